import {
  DisposedError,
  type EngineInfo,
  type ExecutorLike,
  type ExecutorRequest,
  type IterationStats,
  QueueFullError,
  type TokenStream,
  type Vocabulary,
} from "@trtllm-node/core";
import { EngineCopy } from "./engine-copy.ts";
import { blockHashes } from "./prefix-index.ts";

/** Before any answer has ended. */
const firstAnswerTokens = 64;

/**
 * Several copies of an engine as one executor. A request goes to the copy that is estimated to begin its answer first:
 * the tokens of its prompt that are not in that copy's KV cache, and all that is already there to be computed.
 */
export class RoutingExecutor implements ExecutorLike {
  readonly engine: EngineInfo;
  readonly vocabulary: Vocabulary | undefined;
  #copies: readonly EngineCopy[];
  #retired: readonly EngineCopy[] = [];
  #meanAnswerTokens = firstAnswerTokens;

  /** @param executors at least one; owned from here on */
  constructor(executors: readonly ExecutorLike[]) {
    const [first] = executors;
    this.engine = first!.engine;
    this.vocabulary = first!.vocabulary;
    this.#copies = executors.map((executor) => new EngineCopy(executor));
  }

  /** Those that are draining are the last. */
  get copies(): readonly EngineCopy[] {
    return [...this.#copies, ...this.#retired];
  }

  submit(request: ExecutorRequest): TokenStream {
    const { tokens, cacheSaltId } = request;
    const hashes = blockHashes(tokens, this.engine.tokensPerBlock, cacheSaltId);
    const ready = this.#copies.filter((copy) => copy.ready);
    // Where all have failed, the error of one says more than ours could.
    const candidates = (ready.length > 0 ? ready : this.#copies)
      .map((copy) => ({ copy, cost: copy.cost(tokens.length, hashes) }))
      .sort((a, b) => a.cost - b.cost);
    const { beamWidth = 1, numReturnSequences = 1 } = request.sampling ?? {};
    const sequences = Math.max(beamWidth, numReturnSequences);
    const expected = Math.min(request.maxTokens, this.#meanAnswerTokens) * sequences;
    let full: QueueFullError | undefined;
    for (const { copy } of candidates) {
      try {
        return copy.submit(request, hashes, expected, (length) => this.#learn(length));
      } catch (error) {
        if (!(error instanceof QueueFullError)) throw error;
        full = error;
      }
    }
    throw full ?? new DisposedError("This model was removed from its pool. Ask the pool for another.");
  }

  /** From now on requests go to `executors`; resolves when those before have ended theirs and are freed. */
  async replace(executors: readonly ExecutorLike[], drainMs: number): Promise<void> {
    const old = this.#copies;
    this.#copies = executors.map((executor) => new EngineCopy(executor));
    this.#retired = [...this.#retired, ...old];
    await Promise.all(old.map((copy) => copy.retire(drainMs)));
    this.#retired = this.#retired.filter((copy) => !old.includes(copy));
  }

  iterationStats(): IterationStats[] {
    return this.copies
      .flatMap(({ executor }) => executor.iterationStats())
      .sort((a, b) => a.timestamp.localeCompare(b.timestamp));
  }

  dispose(): Promise<void> {
    return this.replace([], 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #learn(answerTokens: number): void {
    this.#meanAnswerTokens += (answerTokens - this.#meanAnswerTokens) / 16;
  }
}
