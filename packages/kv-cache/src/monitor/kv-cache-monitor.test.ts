import {
  AbortedError,
  DisposedError,
  type EngineInfo,
  Executor,
  ExecutorError,
  type IterationStats,
} from "@trtllm-node/core";
import { expect, test, vi } from "vitest";
import { modelPath } from "../../../../test/support/model.ts";
import { KvCacheMonitor } from "./kv-cache-monitor.ts";

const tokensPerBlock = 8;

/** An executor that says what it is told. */
function source(engine: Partial<EngineInfo> = {}) {
  const told: object[] = [];
  const facts = { kvBlocks: 100, tokensPerBlock: 4, kvBytesPerToken: 2, ...engine } as EngineInfo;
  return {
    engine: facts,
    iterationStats: () => told.splice(0) as IterationStats[],
    tell: (kvCacheStats: object, more: object = {}) => told.push({ kvCacheStats, ...more }),
  };
}

const zero = { maxNumBlocks: 50, allocTotalBlocks: 0, allocNewBlocks: 0, reusedBlocks: 0, missedBlocks: 0 };

test("It tells what the newest iteration said, until there is another.", () => {
  const executor = source();
  const monitor = new KvCacheMonitor(() => [executor]);
  expect(monitor.stats()).toMatchObject({
    blocks: { total: 100, used: 0, free: 100 },
    hitRate: 0,
    cached: undefined,
  });
  expect(monitor.find([1, 2])).toBeUndefined();
  executor.tell({ ...zero, usedNumBlocks: 9 });
  const counts = { allocTotalBlocks: 10, allocNewBlocks: 8, reusedBlocks: 3, missedBlocks: 1 };
  executor.tell({ ...zero, ...counts, usedNumBlocks: 20 });
  const expected = {
    blocks: { total: 50, used: 20, free: 30 },
    reusedBlocks: 3,
    missedBlocks: 1,
    hitRate: 0.75,
    allocatedBlocks: 10,
    evictedBlocks: 2,
    bytes: { total: 400, used: 160 },
    cached: undefined,
  };
  expect(monitor.stats()).toEqual(expected);
  expect(monitor.stats()).toEqual(expected);
});

test("Counts of several engines are sums, and go on when one is restarted or goes.", () => {
  const [one, two] = [source(), source()];
  let engines = [one, two];
  const monitor = new KvCacheMonitor(() => engines);
  const counted = { ...zero, allocTotalBlocks: 5, allocNewBlocks: 5, reusedBlocks: 2, missedBlocks: 3 };
  one.tell({ ...counted, usedNumBlocks: 1 });
  two.tell({ ...counted, usedNumBlocks: 2 });
  expect(monitor.stats()).toMatchObject({
    blocks: { total: 100, used: 3 },
    reusedBlocks: 4,
    missedBlocks: 6,
  });
  one.tell({
    ...counted,
    allocTotalBlocks: 1,
    allocNewBlocks: 1,
    reusedBlocks: 1,
    missedBlocks: 0,
    usedNumBlocks: 1,
  });
  expect(monitor.stats()).toMatchObject({ reusedBlocks: 5, missedBlocks: 6 });
  engines = [one];
  expect(monitor.stats()).toMatchObject({ blocks: { total: 50, used: 1 }, reusedBlocks: 5, missedBlocks: 6 });
});

test("Pressure tells when blocks run out, and a limit says why it holds requests back.", async () => {
  const executor = source();
  const monitor = new KvCacheMonitor(() => [executor]);
  const samples: number[] = [];
  const iterations: IterationStats[] = [];
  monitor.onIteration((iteration) => iterations.push(iteration));
  let used = 10;
  await new Promise<void>((resolve) => {
    const end = monitor.watch({
      intervalMs: 60,
      onSample: ({ usedBlocks }) => {
        samples.push(usedBlocks);
        used += 5;
        const allocated = { allocTotalBlocks: used, allocNewBlocks: 10 };
        executor.tell(
          { ...zero, ...allocated, usedNumBlocks: used },
          { numQueuedRequests: 3, inflightBatchingStats: { numPausedRequests: 1 } },
        );
        if (samples.length < 5) return;
        end();
        resolve();
      },
    });
  });
  expect(samples).toEqual([0, 15, 20, 25, 30]);
  const pressure = monitor.pressure();
  expect(pressure).toMatchObject({ usage: 0.7, queuedRequests: 3, hitRate: undefined });
  // 5 blocks each 60 ms or more: the 15 that are left last 0.2 s or more.
  expect(pressure.secondsToExhaustion).toBeGreaterThan(0.1);
  expect(pressure.secondsToExhaustion).toBeLessThan(60);
  expect(pressure.evictedPerSecond).toBeGreaterThan(0);
  expect(pressure.pausedPerSecond).toBeGreaterThan(0);
  expect(iterations).toHaveLength(5);

  expect(monitor.overload({ usage: 0.9, queuedRequests: 3 })).toBeUndefined();
  expect(monitor.overload({ usage: 0.5 })).toBe("Part of the KV cache in use: 0.7; the limit is 0.5.");
  expect(monitor.overload({ secondsToExhaustion: 1000 })).toMatch(/full in [\d.]+ s .* limit is 1000 s/);
  const aborted = monitor.relief({ usage: 0.5 }, { signal: AbortSignal.abort() });
  await expect(aborted).rejects.toBeInstanceOf(AbortedError);
  const relief = monitor.relief({ usage: 0.5 });
  executor.tell({ ...zero, allocTotalBlocks: used, allocNewBlocks: 10, usedNumBlocks: 0 });
  await relief;
});

test("A watch goes on after an engine that fails for a while, and ends with one that is disposed.", () => {
  vi.useFakeTimers();
  try {
    const executor = source();
    let error: Error | undefined;
    const said = executor.iterationStats;
    let looks = 0;
    executor.iterationStats = () => {
      looks += 1;
      if (error !== undefined) throw error;
      return said();
    };
    const samples: number[] = [];
    new KvCacheMonitor(() => [executor]).watch({
      intervalMs: 10,
      onSample: ({ time }) => samples.push(time),
    });
    vi.advanceTimersByTime(20);
    error = new ExecutorError("ERR_EXECUTOR", "It restarts.");
    vi.advanceTimersByTime(20);
    error = undefined;
    vi.advanceTimersByTime(10);
    expect(samples).toHaveLength(3);
    error = new DisposedError("It is gone.");
    vi.advanceTimersByTime(100);
    expect(looks).toBe(6);
  } finally {
    vi.useRealTimers();
  }
});

test("What it finds of a prompt is what the embedded executor then reuses, whatever came before.", async () => {
  await using executor = await Executor.create(modelPath(), {
    maxBatchSize: 4,
    kvCache: {
      enablePartialReuse: false,
      eventBufferMaxSize: 10_000,
      maxTokens: 320,
      hostCacheSize: 24 * tokensPerBlock * 23_040,
    },
    embedded: { maxSequenceTokens: 128, tokensPerBlock, threads: 1 },
  });
  const monitor = new KvCacheMonitor(() => [executor]);
  let state = 1;
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % limit;
  };
  /** One of a few beginnings, then one of a few middles, then something of its own. */
  const prompt = () => {
    const part = (first: number, length: number) =>
      Array.from({ length }, (_, index) => 1000 + first + index);
    return [
      ...part(below(6) * 100, 8 + below(28)),
      ...part(below(4) * 1000, below(30)),
      ...part(below(40_000), 1 + below(4)),
    ];
  };
  const seen: number[] = [];
  let earlier: number[] = [];
  const ask = async () => {
    const tokens = below(3) > 0 ? [...earlier, ...prompt()].slice(0, 60) : prompt();
    const found = monitor.find(tokens) ?? { tokens: 0, device: 0, host: 0 }; // none before the first iteration
    expect(found.device + found.host).toBe(found.tokens);
    const { kvBlocks, tokens: answer } = await executor.submit({ tokens, maxTokens: 1 + below(10) }).result;
    expect(Math.ceil(found.tokens / tokensPerBlock)).toBe(kvBlocks.reused);
    seen.push(found.device, found.host);
    earlier = below(2) > 0 ? [...tokens, ...answer] : [];
  };
  for (let n = 0; n < 24; n++) await ask();
  await Promise.all(
    Array.from({ length: 6 }, () => executor.submit({ tokens: prompt(), maxTokens: 1 + below(10) }).result),
  );
  for (let n = 0; n < 10; n++) await ask();
  const { cached, blocks, reusedBlocks, evictedBlocks } = monitor.stats();
  expect(seen.filter((tokens) => tokens > 0).length).toBeGreaterThan(5);
  expect(cached).toMatchObject({ hostTotal: 24, missedEvents: 0 });
  expect(cached!.device).toBeLessThanOrEqual(blocks.total);
  expect(blocks).toEqual({ total: 40, used: 0, free: 40 });
  expect(reusedBlocks).toBeGreaterThan(0);
  expect(evictedBlocks).toBeGreaterThan(0);
});
