import type { EngineInfo, IterationStats, KvCacheEvent, KvCacheStats } from "@trtllm-node/core";
import { KvBlockTree } from "../tree/kv-block-tree.ts";

/** An executor, as far as its KV cache is concerned. What it tells is told once, so it has one monitor. */
export interface KvCacheSource {
  readonly engine: EngineInfo;
  iterationStats(): IterationStats[];
  kvEvents?(): KvCacheEvent[];
}

/** What has been counted since the last look. */
export interface KvCacheCounts {
  reusedBlocks: number;
  missedBlocks: number;
  allocatedBlocks: number;
  evictedBlocks: number;
  pauses: number;
}

/** One executor's newest state. */
export class MonitoredSource {
  readonly engine: EngineInfo;
  readonly #source: KvCacheSource;
  #newest: IterationStats | undefined;
  #kv: KvCacheStats | undefined;
  #tree: KvBlockTree | undefined;

  constructor(source: KvCacheSource) {
    this.#source = source;
    this.engine = source.engine;
  }

  get newest(): IterationStats | undefined {
    return this.#newest;
  }

  get tree(): KvBlockTree | undefined {
    return this.#tree;
  }

  get blocks(): { readonly total: number; readonly used: number } {
    return { total: this.#kv?.maxNumBlocks ?? this.engine.kvBlocks, used: this.#kv?.usedNumBlocks ?? 0 };
  }

  get blockBytes(): number {
    return this.engine.tokensPerBlock * this.engine.kvBytesPerToken;
  }

  /** Takes what is new, and adds what it counts. Returns the iterations. */
  poll(counts: KvCacheCounts): readonly IterationStats[] {
    const iterations = this.#source.iterationStats();
    for (const iteration of iterations) {
      const { kvCacheStats, inflightBatchingStats } = iteration;
      this.#newest = iteration;
      counts.pauses += inflightBatchingStats?.numPausedRequests ?? 0;
      if (kvCacheStats === undefined) continue;
      addCounts(counts, this.#kv, kvCacheStats);
      this.#kv = kvCacheStats;
    }
    const events = this.#source.kvEvents?.() ?? [];
    if (events.length > 0) {
      this.#tree ??= new KvBlockTree(this.engine.tokensPerBlock);
      this.#tree.apply(events);
    }
    return iterations;
  }
}

/** An executor that was restarted counts from 0 again. */
function addCounts(counts: KvCacheCounts, before: KvCacheStats | undefined, now: KvCacheStats): void {
  const since = before !== undefined && now.allocTotalBlocks >= before.allocTotalBlocks ? before : undefined;
  const allocated = now.allocTotalBlocks - (since?.allocTotalBlocks ?? 0);
  counts.reusedBlocks += now.reusedBlocks - (since?.reusedBlocks ?? 0);
  counts.missedBlocks += now.missedBlocks - (since?.missedBlocks ?? 0);
  counts.allocatedBlocks += allocated;
  counts.evictedBlocks += allocated - (now.allocNewBlocks - (since?.allocNewBlocks ?? 0));
}
