import { ExecutorError, type ExecutorLike, type ExecutorRequest, type TokenStream } from "@trtllm-node/core";
import { PrefixIndex } from "./prefix-index.ts";

/** After so many failed requests in a row a copy gets no more, and another is loaded in its place. */
const mostFailures = 3;

/** `"ready"`: gets requests. `"draining"`: ends those that it has. `"failed"`: gets none, since too many failed. */
export type CopyState = "ready" | "draining" | "failed";

export interface CopyHealth {
  readonly state: CopyState;
  /** Requests that have not ended. */
  readonly active: number;
  /** Requests that it was given. */
  readonly submitted: number;
  /** What the newest failed request, or load of another in its place, failed with, until one succeeds. */
  readonly error: Error | undefined;
}

/** One engine of several that answer the same. */
export class EngineCopy {
  readonly executor: ExecutorLike;
  /** Engines that were loaded in a row in each other's place, none of which has answered. */
  #reloads: number;
  readonly #onFailed: (copy: EngineCopy) => void;
  readonly #prefixes: PrefixIndex;
  #draining = false;
  #active = 0;
  #submitted = 0;
  #work = 0;
  #failures = 0;
  #error: Error | undefined;
  #idle: (() => void)[] = [];

  /** @param onFailed is told when it gets no more requests since too many failed */
  constructor(executor: ExecutorLike, onFailed: (copy: EngineCopy) => void = () => {}, reloads = 0) {
    this.executor = executor;
    this.#onFailed = onFailed;
    this.#reloads = reloads;
    this.#prefixes = new PrefixIndex(executor.engine.kvBlocks);
  }

  get health(): CopyHealth {
    return { state: this.#state, active: this.#active, submitted: this.#submitted, error: this.#error };
  }

  get reloads(): number {
    return this.#reloads;
  }

  get ready(): boolean {
    return this.#state === "ready";
  }

  /** Estimate, in tokens, of what it has to compute until a prompt could be answered. */
  cost(promptTokens: number, hashes: readonly number[]): number {
    return this.#work + this.#uncached(promptTokens, hashes);
  }

  /**
   * @param answerTokens estimate of the answer's length
   * @param onAnswer is told its real one
   * @throws what the executor throws
   */
  submit(
    request: ExecutorRequest,
    hashes: readonly number[],
    answerTokens: number,
    onAnswer: (tokens: number) => void,
  ): TokenStream {
    const work = this.#uncached(request.tokens.length, hashes) + answerTokens;
    const stream = this.#submit(request);
    this.#prefixes.add(hashes);
    this.#active += 1;
    this.#submitted += 1;
    this.#work += work;
    stream.onEnd((end) => {
      this.#active -= 1;
      this.#work -= work;
      if (end instanceof ExecutorError) this.#failed(end);
      else if (!(end instanceof Error)) {
        this.#failures = 0;
        this.#reloads = 0;
        this.#error = undefined;
        onAnswer(end.tokens.length);
      }
      if (this.#active === 0) for (const resolve of this.#idle.splice(0)) resolve();
    });
    return stream;
  }

  /** No other could be loaded in its place. */
  notReloaded(error: Error): void {
    this.#error = error;
  }

  /** Gives it no more requests, waits for those that run, and frees it. What runs after `drainMs` is cancelled. */
  async retire(drainMs: number): Promise<void> {
    this.#draining = true;
    await this.#drained(drainMs);
    await this.executor.dispose();
  }

  get #state(): CopyState {
    if (this.#draining) return "draining";
    return this.#failures >= mostFailures ? "failed" : "ready";
  }

  #uncached(promptTokens: number, hashes: readonly number[]): number {
    return promptTokens - this.#prefixes.match(hashes) * this.executor.engine.tokensPerBlock;
  }

  #submit(request: ExecutorRequest): TokenStream {
    try {
      return this.executor.submit(request);
    } catch (error) {
      if (error instanceof ExecutorError) this.#failed(error);
      throw error;
    }
  }

  #failed(error: Error): void {
    this.#failures += 1;
    this.#error = error;
    if (this.#failures === mostFailures && !this.#draining) this.#onFailed(this);
  }

  #drained(drainMs: number): Promise<void> {
    if (this.#active === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = drainMs < Number.POSITIVE_INFINITY ? setTimeout(resolve, drainMs) : undefined;
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
