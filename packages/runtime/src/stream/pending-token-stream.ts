import {
  AbortedError,
  type TokenChunk,
  type TokenResult,
  type TokenStream,
  type TrtllmError,
} from "@trtllm-node/core";

/** A request that is submitted once its tokens are there. What goes wrong until then is in `result`, and in the loop. */
export class PendingTokenStream implements TokenStream {
  readonly #started: Promise<TokenStream>;
  readonly #controller: AbortController;
  #stream: TokenStream | undefined;
  #result: Promise<TokenResult> | undefined;

  /** @param controller its signal ends what `started` waits for */
  constructor(started: Promise<TokenStream>, controller: AbortController) {
    this.#controller = controller;
    this.#started = started.then((stream) => {
      this.#stream = stream;
      if (controller.signal.aborted) stream.cancel();
      return stream;
    });
    // Who iterates or awaits the result gets the error there.
    this.#started.catch(() => {});
  }

  get result(): Promise<TokenResult> {
    if (this.#result === undefined) {
      this.#result = this.#started.then(
        (stream) => stream.result,
        (error) => {
          if (this.#wasCancelled(error)) return cancelledResult;
          throw error;
        },
      );
      this.#result.catch(() => {});
    }
    return this.#result;
  }

  onEnd(listener: (end: TokenResult | TrtllmError) => void): void {
    this.#started.then(
      (stream) => stream.onEnd(listener),
      (error) => listener(this.#wasCancelled(error) ? cancelledResult : error),
    );
  }

  /** 0 until it is submitted. */
  get id(): number {
    return this.#stream?.id ?? 0;
  }

  cancel(): void {
    this.#controller.abort();
    this.#stream?.cancel();
  }

  [Symbol.asyncIterator](): AsyncIterator<TokenChunk, undefined> {
    let chunks: AsyncIterator<TokenChunk> | undefined;
    return {
      next: async () => {
        if (chunks === undefined) {
          const stream = await this.#started.catch(() => undefined);
          if (stream === undefined) {
            await this.result;
            return { done: true, value: undefined };
          }
          chunks = stream[Symbol.asyncIterator]();
        }
        return chunks.next() as Promise<IteratorResult<TokenChunk, undefined>>;
      },
      return: async () => {
        this.cancel();
        await chunks?.return?.();
        return { done: true, value: undefined };
      },
    };
  }

  #wasCancelled(error: unknown): boolean {
    return this.#controller.signal.aborted && error instanceof AbortedError;
  }
}

const cancelledResult: TokenResult = {
  tokens: new Int32Array(),
  finishReason: "cancelled",
  timings: {
    queueMs: 0,
    timeToFirstTokenMs: undefined,
    interTokenMs: undefined,
    interTokenLatenciesMs: new Float64Array(),
    totalMs: 0,
  },
  kvBlocks: { allocated: 0, new: 0, reused: 0 },
};
