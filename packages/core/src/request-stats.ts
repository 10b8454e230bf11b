/** TensorRT-LLM's RequestStatsPerIteration, with its field names. */
export interface RequestStatsPerIteration {
  readonly iter: number;
  /** Of every request that ran, waited or ended in this iteration. */
  readonly requestStats: readonly RequestStats[];
}

export interface RequestStats {
  /** `TokenStream.id`; with `isolation: "process"` the id inside that process. */
  readonly id: number;
  readonly stage: RequestStage;
  /** Tokens of the prompt whose KV is there. */
  readonly contextPrefillPosition: number;
  readonly numGeneratedTokens: number;
  readonly avgNumDecodedTokensPerIter: number;
  /** Whether it took part in this iteration. */
  readonly scheduled: boolean;
  /** Whether MAX_UTILIZATION has paused it. */
  readonly paused: boolean;
  readonly allocTotalBlocksPerRequest: number;
  readonly allocNewBlocksPerRequest: number;
  readonly reusedBlocksPerRequest: number;
  readonly missedBlocksPerRequest: number;
  /** reusedBlocksPerRequest / (reusedBlocksPerRequest + missedBlocksPerRequest). */
  readonly kvCacheHitRatePerRequest: number;
}

export type RequestStage =
  | "QUEUED"
  | "CONTEXT_IN_PROGRESS"
  | "GENERATION_IN_PROGRESS"
  | "GENERATION_COMPLETE";
