export { KvCacheMonitor, type WatchOptions } from "./monitor/kv-cache-monitor.ts";
export type { CachedBlocks, KvCacheSample, KvCacheUsage } from "./monitor/kv-cache-usage.ts";
export type { KvCacheSource } from "./monitor/monitored-source.ts";
export type { KvCacheLimits, KvCachePressure } from "./monitor/pressure.ts";
export { blocksFor, kvBytesPerSequence, kvBytesPerToken } from "./sizing/kv-bytes.ts";
export {
  type KvAlternative,
  type KvAlternatives,
  type KvCapacity,
  kvCapacity,
  kvWhatIf,
  sequencesThatFit,
} from "./sizing/kv-capacity.ts";
export { type KvLayout, type KvPrecision, kvPrecisionBits } from "./sizing/kv-layout.ts";
export { type SequenceTraffic, type SequenceWaste, sequenceWaste } from "./sizing/sequence-waste.ts";
export { type CachedPrefix, type FindOptions, KvBlockTree } from "./tree/kv-block-tree.ts";
export type { CachedKvBlock } from "./tree/window-blocks.ts";
