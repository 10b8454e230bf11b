import type { ExecutorLike, RequestStats } from "@trtllm-node/core";

/** The requests of the newest iteration of each executor. */
export class RunningRequests {
  readonly #executors: () => readonly ExecutorLike[];
  readonly #newest = new WeakMap<ExecutorLike, readonly RequestStats[]>();

  constructor(executors: () => readonly ExecutorLike[]) {
    this.#executors = executors;
  }

  /** @param active whether there are any: an executor without requests makes no iterations, so its newest one is old */
  take(active: boolean): readonly RequestStats[] | undefined {
    const all = this.#executors().map((executor) => {
      const newest = executor.requestStats?.().at(-1)?.requestStats;
      if (newest !== undefined) this.#newest.set(executor, newest);
      return this.#newest.get(executor);
    });
    if (all.every((requests) => requests === undefined)) return undefined;
    if (!active) return [];
    return all.flatMap((requests) => requests ?? []).filter(({ stage }) => stage !== "GENERATION_COMPLETE");
  }
}
