import { afterAll, expect, test } from "vitest";
import { modelPath } from "../../../test/support/model.ts";
import { Executor } from "./executor.ts";
import type { KvCacheEvent } from "./kv-cache-event.ts";

const executor = await Executor.create(modelPath(), {
  maxBatchSize: 2,
  requestStatsMaxIterations: 100,
  kvCache: { eventBufferMaxSize: 1000, maxTokens: 512, hostCacheSize: 64 * 1024 * 1024 },
  embedded: { maxSequenceTokens: 256, tokensPerBlock: 32 },
});
afterAll(() => executor.dispose());

const prompt = (first: number) => Array.from({ length: 70 }, (_, index) => first + index);
const run = (first: number, options = {}) =>
  executor.submit({ tokens: prompt(first), maxTokens: 2, ...options }).result;

/** Blocks that the events say are cached, by hash. */
function mirror(events: readonly KvCacheEvent[]) {
  const blocks = new Map<
    string,
    { tokens: readonly number[]; parent: string | undefined; priority: number }
  >();
  for (const event of events) {
    if (event.type === "stored") {
      let parent = event.parentHash;
      for (const { blockHash, tokens, priority } of event.blocks) {
        blocks.set(blockHash, { tokens, parent, priority });
        parent = blockHash;
      }
    } else if (event.type === "removed") {
      for (const hash of event.blockHashes) blocks.delete(hash);
    }
  }
  return blocks;
}

test("Events tell which blocks are cached, and a second request reuses just those.", async () => {
  const first = await run(2000, { kvCacheRetention: { tokenRanges: [{ end: 40, priority: 90 }] } });
  expect(first.kvBlocks.reused).toBe(0);
  const events = executor.kvEvents();
  expect(events[0]).toMatchObject({ eventId: 0, type: "created", windowSize: 256 });
  expect(events[0]?.type === "created" && events[0].numBlocksPerCacheLevel[0]).toBe(512 / 32);
  const blocks = [...mirror(events).values()];
  expect(blocks.flatMap(({ tokens }) => tokens)).toEqual([...prompt(2000), first.tokens[0]]);
  expect(blocks.map(({ priority }) => priority)).toEqual([90, 90, 35]);
  expect(blocks[0]?.parent).toBeUndefined();

  const second = await run(2000);
  expect(second.tokens).toEqual(first.tokens);
  expect(second.kvBlocks.reused).toBeGreaterThanOrEqual(2);
  expect(executor.kvEvents().every(({ eventId }) => eventId >= events.length)).toBe(true);
});

test("Nothing is reused across salts.", async () => {
  await run(3000, { cacheSaltId: 1 });
  expect((await run(3000, { cacheSaltId: 2 })).kvBlocks.reused).toBe(0);
  expect((await run(3000)).kvBlocks.reused).toBe(0);
  expect((await run(3000, { cacheSaltId: 1 })).kvBlocks.reused).toBeGreaterThan(0);
});

test("The statistics of requests show each from its first step to its end.", async () => {
  executor.requestStats();
  const stream = executor.submit({ tokens: prompt(4000), maxTokens: 3 });
  await stream.result;
  const stats = executor
    .requestStats()
    .flatMap(({ requestStats }) => requestStats)
    .filter(({ id }) => id === stream.id);
  expect(stats.map(({ numGeneratedTokens }) => numGeneratedTokens)).toEqual([1, 2, 3]);
  expect(stats.map(({ stage }) => stage)).toEqual([
    "GENERATION_IN_PROGRESS",
    "GENERATION_IN_PROGRESS",
    "GENERATION_COMPLETE",
  ]);
  expect(stats[0]).toMatchObject({ contextPrefillPosition: 70, scheduled: true, paused: false });
});

test("A retention that contradicts itself is refused before the request runs.", () => {
  const overlapping = { tokenRanges: [{ priority: 10 }, { start: 8, priority: 20 }] };
  expect(() => run(2000, { kvCacheRetention: overlapping })).toThrow(/overlap/);
  expect(() => run(2000, { kvCacheRetention: { decodePriority: 101 } })).toThrow(/decodePriority/);
});
