import type { EngineInfo, IterationStats, KvCacheStats } from "@trtllm-node/core";

export interface KvCacheUsage {
  /** KV blocks of the pool: all, in use, free. Idle blocks whose content may be reused count as free. */
  readonly blocks: { readonly total: number; readonly used: number; readonly free: number };
  /** Blocks that prompts found in the cache, and that they had to compute, since the engine was loaded. */
  readonly reusedBlocks: number;
  readonly missedBlocks: number;
  /** reusedBlocks / (reusedBlocks + missedBlocks); 0 before the first. */
  readonly hitRate: number;
  /** Bytes of keys and values: of the pool, and in use. */
  readonly bytes: { readonly total: number; readonly used: number };
}

export interface KvCacheSource {
  readonly engine: EngineInfo;
  iterationStats(): IterationStats[];
}

/** What the KV cache of a model holds; of all copies together, where it has several. */
export class KvCache {
  readonly #sources: () => readonly KvCacheSource[];
  readonly #newest = new WeakMap<KvCacheSource, KvCacheStats>();

  constructor(sources: () => readonly KvCacheSource[]) {
    this.#sources = sources;
  }

  /** As of the newest iteration: while nothing runs, that of the last request's end. */
  stats(): KvCacheUsage {
    const sums = { total: 0, used: 0, reused: 0, missed: 0, bytes: 0, usedBytes: 0 };
    for (const source of this.#sources()) {
      const { kvBlocks, tokensPerBlock, kvBytesPerToken } = source.engine;
      for (const { kvCacheStats } of source.iterationStats()) {
        if (kvCacheStats !== undefined) this.#newest.set(source, kvCacheStats);
      }
      const newest = this.#newest.get(source);
      const [total, used] = [newest?.maxNumBlocks ?? kvBlocks, newest?.usedNumBlocks ?? 0];
      sums.total += total;
      sums.used += used;
      sums.reused += newest?.reusedBlocks ?? 0;
      sums.missed += newest?.missedBlocks ?? 0;
      sums.bytes += total * tokensPerBlock * kvBytesPerToken;
      sums.usedBytes += used * tokensPerBlock * kvBytesPerToken;
    }
    return {
      blocks: { total: sums.total, used: sums.used, free: sums.total - sums.used },
      reusedBlocks: sums.reused,
      missedBlocks: sums.missed,
      hitRate: sums.reused > 0 ? sums.reused / (sums.reused + sums.missed) : 0,
      bytes: { total: sums.bytes, used: sums.usedBytes },
    };
  }
}
