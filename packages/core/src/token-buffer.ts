import type { TokenChunk, TopLogProbs } from "./executor-like.ts";
import type { TokensRecord } from "./native/records.ts";
import { TopLogProbsBuffer } from "./top-log-probs.ts";

const firstCapacity = 32;
/** Up to here a loop is faster than a view and a bulk copy. */
const fewTokens = 16;

/** The tokens of one answer, as they come: appended at the end, handed out from where the reader is. */
export class TokenBuffer {
  #tokens = new Int32Array(firstCapacity);
  /** As long as `#tokens`; none where the first record had none. */
  #logProbs: Float32Array | undefined;
  readonly #top = new TopLogProbsBuffer();
  #length = 0;
  #read = 0;

  get length(): number {
    return this.#length;
  }

  get unread(): number {
    return this.#length - this.#read;
  }

  append({ ints, start, count, floats, logProbsStart }: TokensRecord): void {
    const length = this.#length;
    if (length === 0 && logProbsStart >= 0) this.#logProbs = new Float32Array(this.#tokens.length);
    if (length + count > this.#tokens.length) this.#grow(length + count);
    copy(ints, start, count, this.#tokens, length);
    if (this.#logProbs && logProbsStart >= 0) copy(floats, logProbsStart, count, this.#logProbs, length);
    this.#length += count;
  }

  /** Of tokens that are appended next. */
  appendTop(top: TopLogProbs): void {
    this.#top.append(top);
  }

  /** Everything unread as one chunk; not to be called where there is nothing. */
  take(): TokenChunk {
    const from = this.#read;
    this.#read = this.#length;
    return this.#view(from, this.#length);
  }

  all(): TokenChunk {
    return this.#view(0, this.#length);
  }

  clear(): void {
    this.#tokens = new Int32Array(0);
    this.#logProbs = undefined;
    this.#length = 0;
    this.#read = 0;
  }

  #view(from: number, to: number): TokenChunk {
    return {
      tokens: this.#tokens.subarray(from, to),
      logProbs: this.#logProbs?.subarray(from, to),
      topLogProbs: this.#top.view(from, to),
    };
  }

  #grow(least: number): void {
    const tokens = new Int32Array(Math.max(least, this.#tokens.length * 2));
    tokens.set(this.#tokens);
    this.#tokens = tokens;
    if (this.#logProbs === undefined) return;
    const logProbs = new Float32Array(tokens.length);
    logProbs.set(this.#logProbs);
    this.#logProbs = logProbs;
  }
}

function copy<T extends Int32Array | Float32Array>(
  source: T,
  start: number,
  count: number,
  target: T,
  at: number,
): void {
  if (count > fewTokens) target.set(source.subarray(start, start + count), at);
  else for (let index = 0; index < count; index++) target[at + index] = source[start + index]!;
}
