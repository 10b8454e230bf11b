import type { IterationStats } from "@trtllm-node/core";
import type { LLM } from "@trtllm-node/runtime";

/** What a model's engines are doing: counts of requests. */
export interface EngineLoad {
  readonly running: number;
  readonly waiting: number;
  /** Computed in the newest iteration. */
  readonly batch: number;
  /** Of the batch: those whose prompt is computed, and those that get a token. */
  readonly context: number;
  readonly generation: number;
  /** Paused in the newest iteration. */
  readonly paused: number;
  /** Most that run at once. */
  readonly maxBatch: number;
  /** Memory that the executor counts on the GPU. */
  readonly gpuBytes: number;
}

export function engineLoad(llm: LLM): EngineLoad {
  const { active } = llm.metrics().requests;
  const iterations = llm.kvCache.iterations();
  const sum = (value: (iteration: IterationStats) => number | undefined) =>
    iterations.reduce((total, iteration) => total + (value(iteration) ?? 0), 0);
  // An engine without requests makes no iterations, so its newest one is of another time.
  const now = (value: (iteration: IterationStats) => number | undefined) => (active > 0 ? sum(value) : 0);
  const waiting = Math.min(
    active,
    now(({ numQueuedRequests }) => numQueuedRequests),
  );
  return {
    running: active - waiting,
    waiting,
    batch: now(({ inflightBatchingStats: batch }) => batch?.numScheduledRequests),
    context: now(({ inflightBatchingStats: batch }) => batch?.numContextRequests),
    generation: now(({ inflightBatchingStats: batch }) => batch?.numGenRequests),
    paused: now(({ inflightBatchingStats: batch }) => batch?.numPausedRequests),
    maxBatch: sum(({ maxNumActiveRequests }) => maxNumActiveRequests) || llm.engine.maxBatchSize,
    gpuBytes: sum(({ gpuMemUsage }) => gpuMemUsage),
  };
}
