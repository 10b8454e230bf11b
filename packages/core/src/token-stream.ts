import { setMaxListeners } from "node:events";
import { type Deferred, deferred, quietDeferred } from "./deferred.ts";
import { AbortedError, InvalidRequestError, type TrtllmError } from "./errors.ts";
import type { TokenChunk, TokenResult, TokenStream } from "./executor-like.ts";
import type { RecordSink } from "./native/native-executor.ts";
import type { FinalRecord, TokensRecord } from "./native/records.ts";

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * The stream of one request. Chunks are kept until the end, since the result is made of them: at most
 * `maxTokens` of them, however slow the reader.
 */
export class RequestStream implements TokenStream, RecordSink {
  readonly id: number;
  readonly result: Promise<TokenResult>;
  readonly #settle: Deferred<TokenResult> = quietDeferred();
  readonly #cancel: () => void;
  readonly #signal: AbortSignal | undefined;
  #chunks: TokenChunk[] = [];
  #read = 0;
  #waiting: Deferred<IteratorResult<TokenChunk, undefined>>[] = [];
  #iterated = false;
  #ended = false;
  #error: TrtllmError | undefined;

  /** `cancel` ends the request natively. It holds the executor, which so outlives its running requests. */
  constructor(id: number, cancel: () => void, signal: AbortSignal | undefined) {
    this.id = id;
    this.result = this.#settle.promise;
    this.#cancel = cancel;
    this.#signal = signal;
    if (signal === undefined) return;
    setMaxListeners(0, signal); // one signal for many requests is no leak: each lets go of it at its end
    signal.addEventListener("abort", this.#abort, { once: true });
  }

  cancel(): void {
    if (!this.#ended) this.#cancel();
  }

  [Symbol.asyncIterator](): AsyncIterator<TokenChunk, undefined> {
    if (this.#iterated) {
      throw new InvalidRequestError("A token stream can be iterated once. Await its result for all tokens.");
    }
    this.#iterated = true;
    let left = false;
    return {
      next: () => {
        if (left) return Promise.resolve(done);
        const chunk = this.#chunks[this.#read];
        if (chunk !== undefined) {
          this.#read += 1;
          return Promise.resolve({ done: false, value: chunk });
        }
        if (this.#error !== undefined) {
          left = true;
          return Promise.reject(this.#error);
        }
        if (this.#ended) return Promise.resolve(done);
        const next = deferred<IteratorResult<TokenChunk, undefined>>();
        this.#waiting.push(next);
        return next.promise;
      },
      return: async () => {
        left = true;
        this.cancel();
        for (const next of this.#waiting.splice(0)) next.resolve(done);
        return done;
      },
    };
  }

  push({ tokens, logProbs }: TokensRecord): void {
    if (this.#ended) return;
    const chunk = { tokens, logProbs };
    this.#chunks.push(chunk);
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#read += 1;
    next.resolve({ done: false, value: chunk });
  }

  finish(record: FinalRecord): void {
    if (!this.#end()) return;
    this.#settle.resolve(tokenResult(this.#chunks, record));
    for (const next of this.#waiting.splice(0)) next.resolve(done);
  }

  fail(error: TrtllmError): void {
    if (!this.#end()) return;
    this.#error = error;
    this.#settle.reject(error);
    for (const next of this.#waiting.splice(0)) next.reject(error);
  }

  /** Rejects at once; what the executor still says about the request is dropped. */
  readonly #abort = (): void => {
    this.cancel();
    this.#chunks = [];
    this.#read = 0;
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

function tokenResult(chunks: readonly TokenChunk[], final: FinalRecord): TokenResult {
  const length = chunks.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const tokens = new Int32Array(length);
  const logProbs = chunks[0]?.logProbs && new Float32Array(length);
  let at = 0;
  for (const chunk of chunks) {
    tokens.set(chunk.tokens, at);
    if (chunk.logProbs) logProbs?.set(chunk.logProbs, at);
    at += chunk.tokens.length;
  }
  const sinceArrival = (ns: number): number => (ns - final.arrivalNs) / 1e6;
  const { timeNs, firstScheduledNs, firstTokenNs, lastTokenNs } = final;
  return {
    tokens,
    logProbs,
    finishReason: final.finishReason,
    timings: {
      queueMs: sinceArrival(firstScheduledNs || timeNs),
      timeToFirstTokenMs: length > 0 ? sinceArrival(firstTokenNs) : undefined,
      interTokenMs: length > 1 ? (lastTokenNs - firstTokenNs) / 1e6 / (length - 1) : undefined,
      totalMs: sinceArrival(length > 0 ? lastTokenNs : timeNs),
    },
    kvBlocks: { allocated: final.blocksAllocated, new: final.blocksNew, reused: final.blocksReused },
  };
}
