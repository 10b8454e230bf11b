import type { KvCacheSample } from "./kv-cache-usage.ts";

/** How near a KV cache is to its end. Rates are of a window of time up to now. */
export interface KvCachePressure {
  /** Blocks in use over all, 0 to 1. */
  readonly usage: number;
  /** Until no block is free, if usage goes on as in the window; Infinity where it does not grow. */
  readonly secondsToExhaustion: number;
  /** Blocks a second whose content left for others. */
  readonly evictedPerSecond: number;
  /** Requests a second that were paused for want of blocks. */
  readonly pausedPerSecond: number;
  readonly queuedRequests: number;
  /** Part of the prompts' blocks found in the cache, in the window; `undefined` where there was no prompt. */
  readonly hitRate: number | undefined;
}

/** What is too much. Each left out has no limit. */
export interface KvCacheLimits {
  /** 0 to 1. */
  readonly usage?: number | undefined;
  readonly secondsToExhaustion?: number | undefined;
  readonly evictedPerSecond?: number | undefined;
  readonly pausedPerSecond?: number | undefined;
  readonly queuedRequests?: number | undefined;
}

/** @param samples of the window, oldest first; at least one */
export function pressureOf(samples: readonly KvCacheSample[]): KvCachePressure {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const seconds = (last.time - first.time) / 1000;
  const perSecond = (count: number) => (seconds > 0 ? count / seconds : 0);
  const growth = growthPerSecond(samples);
  const reused = last.reusedBlocks - first.reusedBlocks;
  const looked = reused + last.missedBlocks - first.missedBlocks;
  return {
    usage: last.usedBlocks / last.totalBlocks,
    secondsToExhaustion:
      growth > 0 ? (last.totalBlocks - last.usedBlocks) / growth : Number.POSITIVE_INFINITY,
    evictedPerSecond: perSecond(last.evictedBlocks - first.evictedBlocks),
    pausedPerSecond: perSecond(last.pauses - first.pauses),
    queuedRequests: last.queuedRequests,
    hitRate: looked > 0 ? reused / looked : undefined,
  };
}

/** Says which limit is exceeded; `undefined` where none is. */
export function exceeded(pressure: KvCachePressure, limits: KvCacheLimits): string | undefined {
  const { secondsToExhaustion: left } = pressure;
  const { secondsToExhaustion: least } = limits;
  if (least !== undefined && left < least) {
    return `The KV cache is full in ${left.toFixed(1)} s at this rate; the limit is ${least} s.`;
  }
  for (const [name, text] of tooMuch) {
    const [value, limit] = [pressure[name], limits[name]];
    if (limit !== undefined && value > limit) {
      return `${text}: ${Number(value.toPrecision(3))}; the limit is ${limit}.`;
    }
  }
  return undefined;
}

const tooMuch = [
  ["usage", "Part of the KV cache in use"],
  ["evictedPerSecond", "KV blocks evicted a second"],
  ["pausedPerSecond", "Requests paused a second"],
  ["queuedRequests", "Requests waiting"],
] as const;

/** Slope of the line with the least squares through the used blocks, in blocks a second. */
function growthPerSecond(samples: readonly KvCacheSample[]): number {
  const mean = (value: (sample: KvCacheSample) => number) =>
    samples.reduce((sum, sample) => sum + value(sample), 0) / samples.length;
  const [time, used] = [mean((sample) => sample.time), mean((sample) => sample.usedBlocks)];
  const spread = mean((sample) => (sample.time - time) ** 2);
  if (spread === 0) return 0;
  return (mean((sample) => (sample.time - time) * (sample.usedBlocks - used)) / spread) * 1000;
}
