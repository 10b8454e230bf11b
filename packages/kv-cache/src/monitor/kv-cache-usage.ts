/** What a KV cache holds, as of the newest iteration; of all engines of a model together. Counts go on when an engine is swapped or restarted. */
export interface KvCacheUsage {
  /** Blocks of the pool: all, in use, free. Idle blocks whose content may be reused count as free. */
  readonly blocks: { readonly total: number; readonly used: number; readonly free: number };
  /** Blocks that prompts found in the cache, and that they had to compute. */
  readonly reusedBlocks: number;
  readonly missedBlocks: number;
  /** reusedBlocks / (reusedBlocks + missedBlocks); 0 before the first. */
  readonly hitRate: number;
  /** Blocks taken from the pool, and those of them whose content had to leave for it. */
  readonly allocatedBlocks: number;
  readonly evictedBlocks: number;
  /** Bytes of keys and values: of the pool, and in use. */
  readonly bytes: { readonly total: number; readonly used: number };
  /** What the events tell; `undefined` unless `kvCache.eventBufferMaxSize` is set. */
  readonly cached: CachedBlocks | undefined;
}

/** Blocks that can be reused, whether or not a request uses them now. */
export interface CachedBlocks {
  readonly device: number;
  /** In the host's pool, of `hostTotal`. */
  readonly host: number;
  readonly hostTotal: number;
  readonly hostBytes: number;
  /** Events that were lost: above 0 these numbers are estimates. */
  readonly missedEvents: number;
}

/** The state at one time. Counts are since the first. */
export interface KvCacheSample {
  /** `performance.now()` when it was taken. */
  readonly time: number;
  readonly usedBlocks: number;
  readonly totalBlocks: number;
  readonly reusedBlocks: number;
  readonly missedBlocks: number;
  readonly evictedBlocks: number;
  /** Requests that ran, and that waited for a place. */
  readonly activeRequests: number;
  readonly queuedRequests: number;
  /** How often MAX_UTILIZATION has paused a request. */
  readonly pauses: number;
}
