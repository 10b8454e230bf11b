/**
 * TensorRT-LLM's KVCacheEvent. Whoever takes them all can mirror the tree of blocks that can be reused; a gap in
 * `eventId` says that events were dropped, because more came than `kvCache.eventBufferMaxSize` between two calls.
 */
export type KvCacheEvent = KvCacheEventHeader &
  (KvCacheCreated | KvCacheStored | KvCacheRemoved | KvCacheUpdated);

interface KvCacheEventHeader {
  /** Counts from 0. */
  readonly eventId: number;
  /** Most tokens of a sequence. */
  readonly windowSize: number;
}

/** The first event of an executor. */
export interface KvCacheCreated {
  readonly type: "created";
  /** Blocks of the primary and of the host's pool. */
  readonly numBlocksPerCacheLevel: readonly number[];
}

/** Blocks can be reused from now on. */
export interface KvCacheStored {
  readonly type: "stored";
  /** Hash of the block before the first; `undefined` where that one begins a sequence. */
  readonly parentHash?: string;
  /** Each is the parent of the next. */
  readonly blocks: readonly StoredKvBlock[];
}

export interface StoredKvBlock {
  /** Of its tokens and of all before it, decimal. */
  readonly blockHash: string;
  /** The last block of a sequence may hold fewer than `EngineInfo.tokensPerBlock`. */
  readonly tokens: readonly number[];
  readonly loraId?: string;
  /** 0: primary; 1: host. */
  readonly cacheLevel: number;
  /** Retention priority, 0 to 100. */
  readonly priority: number;
}

/** Blocks are gone. */
export interface KvCacheRemoved {
  readonly type: "removed";
  readonly blockHashes: readonly string[];
}

export interface KvCacheUpdated {
  readonly type: "updated";
  readonly blockHash: string;
  readonly cacheLevel?: KvCacheChange;
  readonly priority?: KvCacheChange;
}

export interface KvCacheChange {
  readonly oldValue: number;
  readonly newValue: number;
}
