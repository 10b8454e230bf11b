import { setMaxListeners } from "node:events";
import { type Deferred, deferred, quietDeferred } from "./deferred.ts";
import { AbortedError, InvalidRequestError, SlowConsumerError, type TrtllmError } from "./errors.ts";
import type { RecordSink } from "./executor-backend.ts";
import type {
  SpeculativeDecodingMetrics,
  TokenChunk,
  TokenResult,
  TokenStream,
  TopLogProbs,
} from "./executor-like.ts";
import type { FinalRecord, SequenceEndRecord, TokensRecord, TopLogProbsRecord } from "./native/records.ts";
import { RunningSequence } from "./running-sequence.ts";

type Read = IteratorResult<TokenChunk, undefined>;

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Ends the requests whose streams nobody holds any more. */
const forgotten = new FinalizationRegistry<RunningRequest>((request) => request.forget());

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly maxUnreadTokens?: number | undefined;
  /** How many it is answered with, where it asks for several. */
  readonly sequences?: number | undefined;
}

/** What the user holds of a request. The executor does not hold it, so that a forgotten one can be noticed. */
export class RequestStream implements TokenStream {
  readonly #request: RunningRequest;
  #iterated = false;

  constructor(request: RunningRequest) {
    this.#request = request;
    forgotten.register(this, request);
  }

  get id(): number {
    return this.#request.id;
  }

  get result(): Promise<TokenResult> {
    return this.#request.result();
  }

  onEnd(listener: (end: TokenResult | TrtllmError) => void): void {
    this.#request.onEnd(listener);
  }

  cancel(): void {
    this.#request.cancel();
  }

  [Symbol.asyncIterator](): AsyncIterator<TokenChunk, undefined> {
    if (this.#iterated) {
      throw new InvalidRequestError("A token stream can be iterated once. Await its result for all tokens.");
    }
    this.#iterated = true;
    this.#request.beginReading();
    // Through `this`: whoever holds the iterator holds the stream.
    return { next: () => this.#request.read(), return: () => this.#request.leave() };
  }
}

/**
 * The executor's side of one request. Holds every token until the end, since the result is made of them:
 * 4 bytes each, 8 with log-probabilities, and at most `maxTokens` of them a sequence, however slow the reader.
 */
export class RunningRequest implements RecordSink {
  readonly id: number;
  readonly #settle: Deferred<TokenResult> = quietDeferred();
  readonly #cancel: () => void;
  readonly #signal: AbortSignal | undefined;
  readonly #maxUnread: number;
  readonly #several: boolean;
  readonly #sequences: readonly RunningSequence[];
  /** Where the next read begins to look. */
  #turn = 0;
  #promptLogProbs: Float32Array | undefined;
  #promptTop: TopLogProbs | undefined;
  #waiting: Deferred<Read>[] = [];
  #dirty = false;
  #reading = false;
  #left = false;
  #resultWanted = false;
  #ended = false;
  #error: TrtllmError | undefined;

  /** `cancel` ends the request natively. It holds the executor, which so outlives its running requests. */
  constructor(id: number, cancel: () => void, { signal, maxUnreadTokens, sequences }: RequestOptions = {}) {
    this.id = id;
    this.#cancel = cancel;
    this.#signal = signal;
    this.#maxUnread = maxUnreadTokens ?? Number.POSITIVE_INFINITY;
    this.#several = sequences !== undefined;
    this.#sequences = Array.from({ length: sequences ?? 1 }, () => new RunningSequence());
    if (signal === undefined) return;
    setMaxListeners(0, signal); // one signal for many requests is no leak: each lets go of it at its end
    signal.addEventListener("abort", this.#abort, { once: true });
  }

  /** Whoever has asked for the result may have kept nothing else. */
  result(): Promise<TokenResult> {
    this.#resultWanted = true;
    return this.#settle.promise;
  }

  onEnd(listener: (end: TokenResult | TrtllmError) => void): void {
    this.#settle.promise.then(listener, listener);
  }

  cancel(): void {
    if (!this.#ended) this.#cancel();
  }

  forget(): void {
    if (!this.#resultWanted) this.cancel();
  }

  beginReading(): void {
    this.#reading = true;
  }

  read(): Promise<Read> {
    if (this.#left) return Promise.resolve(done);
    const chunk = this.#take();
    if (chunk !== undefined) return Promise.resolve({ done: false, value: chunk });
    if (this.#error !== undefined) {
      this.#left = true;
      return Promise.reject(this.#error);
    }
    if (this.#ended) return Promise.resolve(done);
    const next = deferred<Read>();
    this.#waiting.push(next);
    return next.promise;
  }

  async leave(): Promise<Read> {
    this.#left = true;
    this.cancel();
    for (const next of this.#waiting.splice(0)) next.resolve(done);
    return done;
  }

  push(record: TokensRecord): boolean {
    const sequence = this.#sequences[record.sequenceIndex];
    if (this.#ended || sequence === undefined) return false;
    sequence.append(record);
    const first = !this.#dirty;
    this.#dirty = true;
    return first;
  }

  pushTopLogProbs({ sequenceIndex, ofPrompt, perToken, tokens, logProbs }: TopLogProbsRecord): void {
    if (this.#ended) return;
    const top = { perToken, tokens, logProbs };
    if (ofPrompt) this.#promptTop = top;
    else this.#sequences[sequenceIndex]?.tokens.appendTop(top);
  }

  setPromptLogProbs(logProbs: Float32Array): void {
    this.#promptLogProbs = logProbs;
  }

  endSequence(record: SequenceEndRecord): void {
    this.#sequences[record.sequenceIndex]?.end(record);
  }

  /** Everything of a sequence that came since the last time is one chunk. */
  flush(): void {
    this.#dirty = false;
    while (this.#waiting.length > 0) {
      const chunk = this.#take();
      if (chunk === undefined) return;
      this.#waiting.shift()!.resolve({ done: false, value: chunk });
    }
    if (!this.#reading || this.#left || this.#maxUnread === Number.POSITIVE_INFINITY) return;
    const unread = this.#sequences.reduce((sum, { tokens }) => sum + tokens.unread, 0);
    if (unread > this.#maxUnread) this.#endSlowReader(unread);
  }

  finish(record: FinalRecord): void {
    if (!this.#end()) return;
    this.flush();
    const sequences = this.#sequences.map((sequence) => sequence.result(record));
    this.#settle.resolve({
      ...sequences[0]!,
      sequences: this.#several ? sequences : undefined,
      promptLogProbs: this.#promptLogProbs,
      promptTopLogProbs: this.#promptTop,
      kvBlocks: { allocated: record.blocksAllocated, new: record.blocksNew, reused: record.blocksReused },
      speculativeDecoding: speculativeDecoding(record),
    });
    for (const next of this.#waiting.splice(0)) next.resolve(done);
  }

  fail(error: TrtllmError): void {
    if (!this.#end()) return;
    this.flush();
    this.#error = error;
    this.#settle.reject(error);
    for (const next of this.#waiting.splice(0)) next.reject(error);
  }

  /** All unread tokens of the sequence whose turn it is. */
  #take(): TokenChunk | undefined {
    const sequences = this.#sequences;
    for (let looked = 0; looked < sequences.length; looked++) {
      const sequenceIndex = this.#turn;
      const { tokens } = sequences[sequenceIndex]!;
      this.#turn = (sequenceIndex + 1) % sequences.length;
      if (tokens.unread > 0) return this.#several ? { ...tokens.take(), sequenceIndex } : tokens.take();
    }
    return undefined;
  }

  #endSlowReader(unread: number): void {
    this.cancel();
    this.fail(new SlowConsumerError(unread, this.#maxUnread));
  }

  /** Rejects at once; what the executor still says about the request is dropped. */
  readonly #abort = (): void => {
    this.cancel();
    for (const { tokens } of this.#sequences) tokens.clear();
    this.fail(requestAborted(this.#signal));
  };

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    return true;
  }
}

export function requestAborted(signal: AbortSignal | undefined): AbortedError {
  return new AbortedError("The request was aborted by its signal.", { cause: signal?.reason });
}

function speculativeDecoding({
  draftTokens,
  acceptedDraftTokens,
}: FinalRecord): SpeculativeDecodingMetrics | undefined {
  if (draftTokens === 0) return undefined;
  return {
    totalDraftTokens: draftTokens,
    totalAcceptedDraftTokens: acceptedDraftTokens,
    acceptanceRate: acceptedDraftTokens / draftTokens,
  };
}
