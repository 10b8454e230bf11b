import type { LatencyCounts } from "../statistics/latency-counts.ts";

/** One request of a simulation. */
export interface SimulatedRequest {
  readonly arrivalMs: number;
  /** At least 1. */
  readonly promptTokens: number;
  /** At least 1. */
  readonly completionTokens: number;
  /** What the request allows, and what is reserved for it. Default `completionTokens`. */
  readonly maxTokens?: number | undefined;
  /** As in a traffic file; needed together. */
  readonly prefixBlocks?: readonly number[] | undefined;
  readonly blockTokens?: number | undefined;
}

/** Tokens of the prompt and of all that the answer may have. */
export function wholeTokens({ promptTokens, completionTokens, maxTokens = 0 }: SimulatedRequest): number {
  return Math.max(promptTokens, 1) + Math.max(maxTokens, completionTokens, 1);
}

/** What a simulation gives. Arrays have an element a request, in the order they were given; NaN where it was refused. */
export interface Simulation {
  readonly queueMs: Float64Array;
  readonly timeToFirstTokenMs: Float64Array;
  /** Mean of the request; NaN under two tokens. */
  readonly interTokenMs: Float64Array;
  readonly totalMs: Float64Array;
  /** Prompt tokens found in the cache. */
  readonly cachedPromptTokens: Int32Array;
  /** Time between tokens, of every token but the first of each request. */
  readonly interTokenLatencies: LatencyCounts;
  /** The queue was full, or the request can never fit. */
  readonly refused: number;
  /** Requests that made room for others, under MAX_UTILIZATION. */
  readonly pauses: number;
  readonly steps: number;
  /** From the first arrival to the last token. */
  readonly durationMs: number;
  /** Of them, in which a step was computed. */
  readonly busyMs: number;
  readonly generatedTokens: number;
  /** Answers in progress, a step. */
  readonly meanBatch: number;
  /** Most KV blocks in use at once; idle ones with content count as free. */
  readonly peakKvBlocks: number;
}
