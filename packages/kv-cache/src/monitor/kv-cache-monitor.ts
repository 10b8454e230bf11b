import { AbortedError, type IterationStats, TrtllmError } from "@trtllm-node/core";
import type { CachedPrefix, FindOptions } from "../tree/kv-block-tree.ts";
import type { CachedBlocks, KvCacheSample, KvCacheUsage } from "./kv-cache-usage.ts";
import { type KvCacheSource, MonitoredSource } from "./monitored-source.ts";
import { exceeded, type KvCacheLimits, type KvCachePressure, pressureOf } from "./pressure.ts";

export interface WatchOptions {
  /** Milliseconds between two looks. Default 1000. */
  readonly intervalMs?: number | undefined;
  /** Told the state at each look. */
  readonly onSample?: ((sample: KvCacheSample) => void) | undefined;
}

/** Samples that are kept. */
const historyLength = 600;
/** Milliseconds within which two looks make one sample. */
const sampleMs = 50;
const windowMs = 10_000;

/**
 * What the KV cache of a model holds and how it is used; of all its engines together, where it has several. It looks
 * when it is asked, and regularly while it is watched: then it has a history, and loses no event.
 */
export class KvCacheMonitor {
  readonly #sources: () => readonly KvCacheSource[];
  readonly #monitored = new WeakMap<KvCacheSource, MonitoredSource>();
  readonly #counts = { reusedBlocks: 0, missedBlocks: 0, allocatedBlocks: 0, evictedBlocks: 0, pauses: 0 };
  readonly #listeners = new Set<(iteration: IterationStats) => void>();
  #history: KvCacheSample[] = [];

  /** @param sources the executors now; statistics and events are taken from them */
  constructor(sources: () => readonly KvCacheSource[]) {
    this.#sources = sources;
  }

  stats(): KvCacheUsage {
    const sources = this.#poll();
    const { reusedBlocks, missedBlocks, allocatedBlocks, evictedBlocks } = this.#counts;
    const sum = (value: (source: MonitoredSource) => number) =>
      sources.reduce((total, source) => total + value(source), 0);
    const [total, used] = [sum(({ blocks }) => blocks.total), sum(({ blocks }) => blocks.used)];
    return {
      blocks: { total, used, free: total - used },
      reusedBlocks,
      missedBlocks,
      hitRate: reusedBlocks > 0 ? reusedBlocks / (reusedBlocks + missedBlocks) : 0,
      allocatedBlocks,
      evictedBlocks,
      bytes: {
        total: sum(({ blocks, blockBytes }) => blocks.total * blockBytes),
        used: sum(({ blocks, blockBytes }) => blocks.used * blockBytes),
      },
      cached: sources.some(({ tree }) => tree !== undefined) ? cachedBlocks(sources) : undefined,
    };
  }

  /** The newest iteration of each engine that has made one. */
  iterations(): readonly IterationStats[] {
    return this.#poll().flatMap(({ newest }) => newest ?? []);
  }

  /** Tells about every iteration, once this looks at it. @returns ends that */
  onIteration(listener: (iteration: IterationStats) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * How many tokens of a prompt are cached where; of several engines, in that which has most. `undefined` unless
   * `kvCache.eventBufferMaxSize` is set, and before the first iteration.
   */
  find(tokens: ArrayLike<number>, options?: FindOptions): CachedPrefix | undefined {
    let best: CachedPrefix | undefined;
    for (const { tree } of this.#poll()) {
      const found = tree?.find(tokens, options);
      if (found !== undefined && found.tokens >= (best?.tokens ?? 0)) best = found;
    }
    return best;
  }

  /** The states that were looked at, oldest first; at most 600. */
  history(): readonly KvCacheSample[] {
    this.#poll();
    return this.#history;
  }

  /** @param window milliseconds; rates need it to be watched for as long. Default 10,000. */
  pressure(window = windowMs): KvCachePressure {
    this.#poll();
    const since = this.#history.at(-1)!.time - window;
    return pressureOf(this.#history.filter(({ time }) => time >= since));
  }

  /** Why no more requests should be let in now; `undefined` where there is no reason. */
  overload(limits: KvCacheLimits): string | undefined {
    return exceeded(this.pressure(), limits);
  }

  /**
   * Resolves when no limit is exceeded any more, so that a request can be held back until then.
   * @throws AbortedError
   */
  async relief(
    limits: KvCacheLimits,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    while (this.overload(limits) !== undefined) {
      if (signal?.aborted) {
        throw new AbortedError("Waiting for room in the KV cache was aborted.", { cause: signal.reason });
      }
      await new Promise((resolve) => setTimeout(resolve, sampleMs));
    }
  }

  /**
   * Looks regularly from now on, until the engine is disposed. It does not keep the process alive, but the engine's
   * memory.
   * @returns ends that
   */
  watch({ intervalMs = 1000, onSample }: WatchOptions = {}): () => void {
    const timer = setInterval(() => {
      try {
        this.#poll();
      } catch (error) {
        if (!TrtllmError.isInstance(error)) throw error;
        // Of one that has crashed there is more to see after its restart.
        if (error.code === "ERR_DISPOSED") clearInterval(timer);
        return;
      }
      onSample?.(this.#history.at(-1)!);
    }, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  }

  #poll(): readonly MonitoredSource[] {
    const sources = this.#sources().map((source) => {
      let monitored = this.#monitored.get(source);
      if (monitored === undefined) {
        monitored = new MonitoredSource(source);
        this.#monitored.set(source, monitored);
      }
      for (const iteration of monitored.poll(this.#counts)) {
        for (const listener of this.#listeners) listener(iteration);
      }
      return monitored;
    });
    this.#sample(sources);
    return sources;
  }

  #sample(sources: readonly MonitoredSource[]): void {
    const time = performance.now();
    const sample = {
      time,
      usedBlocks: 0,
      totalBlocks: 0,
      activeRequests: 0,
      queuedRequests: 0,
      reusedBlocks: this.#counts.reusedBlocks,
      missedBlocks: this.#counts.missedBlocks,
      evictedBlocks: this.#counts.evictedBlocks,
      pauses: this.#counts.pauses,
    };
    for (const { blocks, newest } of sources) {
      sample.usedBlocks += blocks.used;
      sample.totalBlocks += blocks.total;
      sample.activeRequests += newest?.numActiveRequests ?? 0;
      sample.queuedRequests += newest?.numQueuedRequests ?? 0;
    }
    // The newest of those that are nearly at one time.
    const before = this.#history.at(-2);
    if (before !== undefined && time - before.time < sampleMs) this.#history.pop();
    this.#history.push(sample);
    if (this.#history.length > historyLength) this.#history = this.#history.slice(-historyLength);
  }
}

function cachedBlocks(sources: readonly MonitoredSource[]): CachedBlocks {
  const sums = { device: 0, host: 0, hostTotal: 0, hostBytes: 0, missedEvents: 0 };
  for (const { tree, blockBytes } of sources) {
    if (tree === undefined) continue;
    const { device, host } = tree.counts;
    sums.device += device;
    sums.host += host;
    sums.hostTotal += tree.poolBlocks[1] ?? 0;
    sums.hostBytes += host * blockBytes;
    sums.missedEvents += tree.missedEvents;
  }
  return sums;
}
