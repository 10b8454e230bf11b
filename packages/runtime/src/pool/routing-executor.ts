import {
  DisposedError,
  type EngineInfo,
  ExecutorError,
  type ExecutorLike,
  type ExecutorRequest,
  type IterationStats,
  QueueFullError,
  type TokenStream,
  type Vocabulary,
} from "@trtllm-node/core";
import { EngineCopy } from "./engine-copy.ts";
import { blockHashes } from "./prefix-index.ts";
import { RoutingLora } from "./routing-lora.ts";

/** Before any answer has ended. */
const firstAnswerTokens = 64;

/**
 * Several copies of an engine as one executor. A request goes to the copy that is estimated to begin its answer first:
 * the tokens of its prompt that are not in that copy's KV cache, and all that is already there to be computed.
 */
export class RoutingExecutor implements ExecutorLike {
  readonly engine: EngineInfo;
  readonly vocabulary: Vocabulary | undefined;
  readonly lora: RoutingLora;
  #copies: readonly EngineCopy[];
  #retired: readonly EngineCopy[] = [];
  readonly #onFailed: ((copy: EngineCopy) => void) | undefined;
  #meanAnswerTokens = firstAnswerTokens;

  /**
   * @param executors at least one; owned from here on
   * @param onFailed is told of a copy that gets no more requests since too many failed
   */
  constructor(executors: readonly ExecutorLike[], onFailed?: (copy: EngineCopy) => void) {
    const [first] = executors;
    this.engine = first!.engine;
    this.vocabulary = first!.vocabulary;
    this.#onFailed = onFailed;
    this.#copies = executors.map((executor) => new EngineCopy(executor, onFailed));
    this.lora = new RoutingLora(() => this.#copies.map((copy) => copy.executor));
  }

  /** Those that are draining are the last. */
  get copies(): readonly EngineCopy[] {
    return [...this.#copies, ...this.#retired];
  }

  submit(request: ExecutorRequest): TokenStream {
    const { tokens } = request;
    const hashes = blockHashes(tokens, this.engine.tokensPerBlock, request);
    const ready = this.#copies.filter((copy) => copy.ready);
    // Where all have failed, the error of one says more than ours could.
    const candidates = (ready.length > 0 ? ready : this.#copies)
      .map((copy) => ({ copy, cost: copy.cost(tokens.length, hashes) }))
      .sort((a, b) => a.cost - b.cost);
    const { beamWidth = 1, numReturnSequences = 1 } = request.sampling ?? {};
    const sequences = Math.max(beamWidth, numReturnSequences);
    const expected = Math.min(request.maxTokens, this.#meanAnswerTokens) * sequences;
    let refusal: Error | undefined;
    for (const { copy } of candidates) {
      try {
        return copy.submit(request, hashes, expected, (length) => this.#learn(length));
      } catch (error) {
        // Nothing has run: another copy can take it.
        if (!(error instanceof QueueFullError || error instanceof ExecutorError)) throw error;
        refusal = error;
      }
    }
    throw refusal ?? new DisposedError("This model was removed from its pool. Ask the pool for another.");
  }

  /** From now on requests go to `executors`; resolves when those before have ended theirs and are freed. */
  async replace(executors: readonly ExecutorLike[], drainMs: number): Promise<void> {
    const old = this.#copies;
    this.#copies = executors.map((executor) => new EngineCopy(executor, this.#onFailed));
    await this.#retire(old, drainMs);
  }

  /** Whether it gets requests, or would if it had not failed. */
  has(copy: EngineCopy): boolean {
    return this.#copies.includes(copy);
  }

  /** Puts another executor in the place of a copy that is there; resolves when that has ended its requests and is freed. */
  async replaceCopy(old: EngineCopy, executor: ExecutorLike, drainMs: number): Promise<void> {
    const fresh = new EngineCopy(executor, this.#onFailed, old.reloads + 1);
    this.#copies = this.#copies.map((copy) => (copy === old ? fresh : copy));
    await this.#retire([old], drainMs);
  }

  iterationStats(): IterationStats[] {
    return this.copies
      .flatMap(({ executor }) => executor.iterationStats())
      .sort((a, b) => a.timestamp.localeCompare(b.timestamp));
  }

  async dispose(): Promise<void> {
    const retired = this.#retired.map((copy) => copy.retire(0));
    await Promise.all([this.replace([], 0), ...retired]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #retire(old: readonly EngineCopy[], drainMs: number): Promise<void> {
    this.#retired = [...this.#retired, ...old];
    await Promise.all(old.map((copy) => copy.retire(drainMs)));
    this.#retired = this.#retired.filter((copy) => !old.includes(copy));
  }

  #learn(answerTokens: number): void {
    this.#meanAnswerTokens += (answerTokens - this.#meanAnswerTokens) / 16;
  }
}
