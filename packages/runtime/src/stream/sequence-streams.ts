import type { SequenceResult, TokenChunk, TokenResult, TokenStream, TrtllmError } from "@trtllm-node/core";

/**
 * The sequences of one request as streams of their own. Whoever leaves one gets nothing more of it, and the request is
 * cancelled when all have been left. Their results come with the request's end.
 */
export function sequenceStreams(source: TokenStream, count: number): TokenStream[] {
  const sequences = new Sequences(source, count);
  return Array.from({ length: count }, (_, index) => new SequenceStream(sequences, index));
}

/** Chunks of one sequence between the request and its reader. */
interface Lane {
  readonly chunks: TokenChunk[];
  /** Tokens that the reader has been given. */
  taken: number;
  left: boolean;
  failed: boolean;
}

/** Reads the request whenever one of the readers has nothing left. */
class Sequences {
  readonly source: TokenStream;
  readonly #lanes: readonly Lane[];
  #chunks: AsyncIterator<TokenChunk> | undefined;
  #reading: Promise<void> | undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(source: TokenStream, count: number) {
    this.source = source;
    this.#lanes = Array.from({ length: count }, () => ({ chunks: [], taken: 0, left: false, failed: false }));
  }

  async next(index: number): Promise<IteratorResult<TokenChunk, undefined>> {
    const lane = this.#lanes[index]!;
    while (lane.chunks.length === 0) {
      if (this.#failure !== undefined && !lane.failed && !lane.left) {
        lane.failed = true;
        throw this.#failure.error;
      }
      if (this.#ended || lane.left) return { done: true, value: undefined };
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
    const value = lane.chunks.shift()!;
    lane.taken += value.tokens.length;
    return { done: false, value };
  }

  async leave(index: number): Promise<void> {
    const lane = this.#lanes[index]!;
    if (lane.left || this.#ended) return;
    lane.left = true;
    lane.chunks.length = 0;
    if (!this.#lanes.every(({ left }) => left)) return;
    await this.#iterator.return?.();
  }

  async result(index: number): Promise<TokenResult> {
    const { sequences, ...request } = await this.source.result;
    // There are none where the request was cancelled before it was submitted.
    const whole = sequences?.[index] ?? request;
    const { left, taken } = this.#lanes[index]!;
    return { ...request, ...(left && taken < whole.tokens.length ? cut(whole, taken) : whole) };
  }

  get #iterator(): AsyncIterator<TokenChunk> {
    this.#chunks ??= this.source[Symbol.asyncIterator]();
    return this.#chunks;
  }

  async #read(): Promise<void> {
    try {
      const { done, value } = await this.#iterator.next();
      if (done) this.#ended = true;
      else {
        const lane = this.#lanes[value.sequenceIndex ?? 0];
        if (lane?.left === false) lane.chunks.push(value);
      }
    } catch (error) {
      this.#ended = true;
      this.#failure = { error };
    }
  }
}

class SequenceStream implements TokenStream {
  readonly #sequences: Sequences;
  readonly #index: number;
  #result: Promise<TokenResult> | undefined;

  constructor(sequences: Sequences, index: number) {
    this.#sequences = sequences;
    this.#index = index;
  }

  /** Of the request. */
  get id(): number {
    return this.#sequences.source.id;
  }

  get result(): Promise<TokenResult> {
    if (this.#result === undefined) {
      this.#result = this.#sequences.result(this.#index);
      this.#result.catch(() => {});
    }
    return this.#result;
  }

  onEnd(listener: (end: TokenResult | TrtllmError) => void): void {
    this.result.then(listener, listener);
  }

  cancel(): void {
    void this.#sequences.leave(this.#index);
  }

  [Symbol.asyncIterator](): AsyncIterator<TokenChunk, undefined> {
    return {
      next: () => this.#sequences.next(this.#index),
      return: async () => {
        await this.#sequences.leave(this.#index);
        return { done: true, value: undefined };
      },
    };
  }
}

/** What somebody had of a sequence when he left it. */
function cut(sequence: SequenceResult, count: number): SequenceResult {
  const { tokens, logProbs, topLogProbs, timings } = sequence;
  return {
    tokens: tokens.subarray(0, count),
    logProbs: logProbs?.subarray(0, count),
    topLogProbs: topLogProbs && {
      perToken: topLogProbs.perToken,
      tokens: topLogProbs.tokens.subarray(0, count * topLogProbs.perToken),
      logProbs: topLogProbs.logProbs.subarray(0, count * topLogProbs.perToken),
    },
    cumLogProb: undefined,
    finishReason: "cancelled",
    timings: {
      ...timings,
      interTokenLatenciesMs: timings.interTokenLatenciesMs.subarray(0, Math.max(count - 1, 0)),
    },
  };
}
