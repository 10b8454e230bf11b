import type { IterationStats } from "@trtllm-node/core";
import type { LLM, RequestEnd } from "@trtllm-node/runtime";
import { engineLoad } from "../engine-load.ts";
import type { LiveSeries } from "./live-snapshot.ts";

/** Points that are kept. */
const length = 300;

/** Gathers a point a second of one model. */
export class ModelSeries {
  readonly series: LiveSeries = {
    time: [],
    running: [],
    waiting: [],
    batch: [],
    kvUsedBlocks: [],
    kvCachedBlocks: [],
    hitRate: [],
    tokensPerSecond: [],
    timeToFirstTokenMs: [],
    interTokenMs: [],
  };
  readonly #llm: LLM;
  #firstTokens: number[] = [];
  #interTokens: number[] = [];
  #generated = 0;
  #since = performance.now();

  constructor(llm: LLM) {
    this.#llm = llm;
  }

  ended(end: RequestEnd): void {
    const timings = end.outcome === "refused" ? undefined : end.timings;
    if (timings?.timeToFirstTokenMs !== undefined) this.#firstTokens.push(timings.timeToFirstTokenMs);
    if (timings?.interTokenMs !== undefined) this.#interTokens.push(timings.interTokenMs);
  }

  /** Each request that generates gets so many tokens in it. */
  iterated({ inflightBatchingStats: batch }: IterationStats): void {
    if (batch !== undefined)
      this.#generated += batch.numGenRequests * Math.max(1, batch.avgNumDecodedTokensPerIter);
  }

  /** Ends a second. */
  add(): void {
    const { running, waiting, batch } = engineLoad(this.#llm);
    const { kvCache } = this.#llm;
    const { blocks, cached } = kvCache.stats();
    const now = performance.now();
    this.#push({
      time: Date.now() / 1000,
      running,
      waiting,
      batch,
      kvUsedBlocks: blocks.used,
      kvCachedBlocks: cached?.device ?? null,
      hitRate: kvCache.pressure().hitRate ?? null,
      tokensPerSecond: (this.#generated / (now - this.#since)) * 1000,
      timeToFirstTokenMs: median(this.#firstTokens),
      interTokenMs: median(this.#interTokens),
    });
    [this.#firstTokens, this.#interTokens, this.#generated, this.#since] = [[], [], 0, now];
  }

  #push(point: Record<keyof LiveSeries, number | null>): void {
    for (const [name, value] of Object.entries(point)) {
      const column: (number | null)[] = this.series[name as keyof LiveSeries];
      column.push(value);
      if (column.length > length) column.shift();
    }
  }
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
