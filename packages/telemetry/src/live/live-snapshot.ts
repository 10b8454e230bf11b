import type { RequestStats } from "@trtllm-node/core";
import type { KvCachePressure, KvCacheUsage } from "@trtllm-node/kv-cache";
import type { LlmMetricsSnapshot } from "@trtllm-node/runtime";
import type { EngineLoad } from "../engine-load.ts";

/** All that a live view shows, as JSON. */
export interface LiveSnapshot {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly models: readonly LiveModel[];
}

export interface LiveModel {
  readonly name: string;
  readonly engine: {
    readonly name: string;
    readonly device: string;
    readonly maxBatchSize: number;
    readonly maxQueueSize: number;
    readonly maxSequenceTokens: number;
  };
  readonly load: EngineLoad;
  readonly requests: LlmMetricsSnapshot["requests"];
  readonly tokens: LlmMetricsSnapshot["tokens"];
  /** Of all requests since the engine was loaded. */
  readonly latencies: Pick<LlmMetricsSnapshot, "queueMs" | "timeToFirstTokenMs" | "interTokenMs" | "totalMs">;
  readonly kvCache: KvCacheUsage;
  /** `secondsToExhaustion` is `null` where usage does not grow: JSON has no Infinity. */
  readonly pressure: Omit<KvCachePressure, "secondsToExhaustion"> & {
    readonly secondsToExhaustion: number | null;
  };
  /** Requests that run or wait; `undefined` where `requestStatsMaxIterations` is 0. */
  readonly rows: readonly LiveRequest[] | undefined;
  /** One point a second, oldest first. */
  readonly series: LiveSeries;
}

export interface LiveRequest
  extends Pick<
    RequestStats,
    "id" | "stage" | "contextPrefillPosition" | "numGeneratedTokens" | "paused" | "reusedBlocksPerRequest"
  > {
  /** Milliseconds since it was seen first. */
  readonly ageMs: number;
}

/** Columns of equal length. Times to tokens are of the requests that ended in the second, `null` where none did. */
export interface LiveSeries {
  /** Seconds since 1970. */
  readonly time: number[];
  readonly running: number[];
  readonly waiting: number[];
  readonly batch: number[];
  readonly kvUsedBlocks: number[];
  readonly kvCachedBlocks: (number | null)[];
  readonly hitRate: (number | null)[];
  readonly tokensPerSecond: number[];
  readonly timeToFirstTokenMs: (number | null)[];
  readonly interTokenMs: (number | null)[];
}
