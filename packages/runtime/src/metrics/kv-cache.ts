import type { EngineInfo, IterationStats } from "@trtllm-node/core";

export interface KvCacheUsage {
  /** KV blocks of the pool: all, in use, free. Idle blocks whose content may be reused count as free. */
  readonly blocks: { readonly total: number; readonly used: number; readonly free: number };
  /** Blocks that prompts found in the cache, and that they had to compute, since the engine was loaded. */
  readonly reusedBlocks: number;
  readonly missedBlocks: number;
  /** reusedBlocks / (reusedBlocks + missedBlocks); 0 before the first. */
  readonly hitRate: number;
  readonly tokensPerBlock: number;
  /** Bytes of keys and values: of the pool, and in use. */
  readonly bytes: { readonly total: number; readonly used: number };
}

/** What the KV cache of a model holds. */
export class KvCache {
  readonly #source: { readonly engine: EngineInfo; iterationStats(): IterationStats[] };
  #newest: IterationStats["kvCacheStats"];

  constructor(source: { readonly engine: EngineInfo; iterationStats(): IterationStats[] }) {
    this.#source = source;
  }

  /** As of the newest iteration: while nothing runs, that of the last request's end. */
  stats(): KvCacheUsage {
    const { kvBlocks, tokensPerBlock, kvBytesPerToken } = this.#source.engine;
    for (const { kvCacheStats } of this.#source.iterationStats()) this.#newest = kvCacheStats ?? this.#newest;
    const total = this.#newest?.maxNumBlocks ?? kvBlocks;
    const used = this.#newest?.usedNumBlocks ?? 0;
    const { reusedBlocks = 0, missedBlocks = 0 } = this.#newest ?? {};
    const bytesPerBlock = tokensPerBlock * kvBytesPerToken;
    return {
      blocks: { total, used, free: total - used },
      reusedBlocks,
      missedBlocks,
      hitRate: reusedBlocks > 0 ? reusedBlocks / (reusedBlocks + missedBlocks) : 0,
      tokensPerBlock,
      bytes: { total: total * bytesPerBlock, used: used * bytesPerBlock },
    };
  }
}
