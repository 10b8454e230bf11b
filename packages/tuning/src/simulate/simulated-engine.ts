/** What a simulation needs to know of an engine: the names are those of the executor's options. */
export interface SimulatedEngine {
  /** Most requests running at once. */
  readonly maxBatchSize: number;
  /** Most tokens in one step. */
  readonly maxNumTokens: number;
  /** Most tokens of prompt and answer together. */
  readonly maxSequenceTokens: number;
  /** Most requests waiting; the next is refused. */
  readonly maxQueueSize: number;
  readonly schedulerPolicy: "GUARANTEED_NO_EVICT" | "MAX_UTILIZATION" | "STATIC_BATCH";
  readonly contextChunkingPolicy: "FIRST_COME_FIRST_SERVED" | "EQUAL_PROGRESS";
  /** Of the pool. */
  readonly kvBlocks: number;
  readonly tokensPerBlock: number;
  readonly enableBlockReuse: boolean;
}
