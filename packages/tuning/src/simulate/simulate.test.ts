import fc from "fast-check";
import { expect, test } from "vitest";
import { simulate } from "./simulate.ts";
import type { SimulatedEngine } from "./simulated-engine.ts";
import type { SimulatedRequest } from "./simulation.ts";
import type { StepTime, StepWork } from "./step-time.ts";

const engine: SimulatedEngine = {
  maxBatchSize: 4,
  maxNumTokens: 64,
  maxSequenceTokens: 512,
  maxQueueSize: 1000,
  schedulerPolicy: "GUARANTEED_NO_EVICT",
  contextChunkingPolicy: "FIRST_COME_FIRST_SERVED",
  kvBlocks: 64,
  tokensPerBlock: 8,
  enableBlockReuse: true,
};

/** A step takes a millisecond for each token, and one more. */
const perToken: StepTime = {
  ms: ({ contextTokens, generating }: StepWork) => 1 + contextTokens + generating,
  deliversPartsInTurn: false,
};

const request = (promptTokens: number, completionTokens: number, arrivalMs = 0): SimulatedRequest => ({
  arrivalMs,
  promptTokens,
  completionTokens,
});

test("one request: its prompt in chunks, then a token a step", () => {
  const result = simulate([request(100, 5, 7)], engine, perToken);
  expect([...result.queueMs]).toEqual([0]);
  expect([...result.timeToFirstTokenMs]).toEqual([65 + 37]);
  expect([...result.totalMs]).toEqual([65 + 37 + 4 * 2]);
  expect([...result.interTokenMs]).toEqual([2]);
  expect(result).toMatchObject({
    steps: 6,
    generatedTokens: 5,
    peakKvBlocks: 13,
    durationMs: 110,
    busyMs: 110,
  });
});

test("a prompt joins the answers in progress, and delays their next token", () => {
  const result = simulate([request(10, 10), request(20, 2, 12)], engine, perToken);
  // 11 the first prompt, 2 its second token, then 1 + 20 + 1 with the second prompt.
  expect([...result.timeToFirstTokenMs]).toEqual([11, 13 + 22 - 12]);
  expect(result.interTokenLatencies.quantile(1)).toBeCloseTo(22, 0);
});

test("a first token comes before the rest of its step where parts are delivered in turn", () => {
  const inTurn = { ...perToken, deliversPartsInTurn: true };
  const requests = [request(10, 2), request(20, 2)];
  const result = simulate(requests, engine, inTurn);
  expect([...result.timeToFirstTokenMs]).toEqual([11, 31]);
  expect([...result.totalMs]).toEqual([34, 34]);
  expect(result.interTokenLatencies.mean).toBeCloseTo((23 + 3) / 2, 9);
});

test("equal progress lets a short prompt overtake a long one", () => {
  const requests = [request(400, 1), request(16, 1)];
  const first = (contextChunkingPolicy: SimulatedEngine["contextChunkingPolicy"]) =>
    simulate(requests, { ...engine, contextChunkingPolicy }, perToken).timeToFirstTokenMs[1]!;
  expect(first("EQUAL_PROGRESS")).toBe(65);
  expect(first("FIRST_COME_FIRST_SERVED")).toBeGreaterThan(400);
});

test("what was computed is found again, at once by whoever comes meanwhile", () => {
  const shared = { ...request(40, 3), prefixBlocks: [1, 2, 3, 4], blockTokens: 8 };
  const requests = [shared, shared, { ...shared, arrivalMs: 500 }];
  const result = simulate(requests, { ...engine, maxNumTokens: 16 }, perToken);
  expect([...result.cachedPromptTokens]).toEqual([0, 32, 32]);
  expect(result.timeToFirstTokenMs[2]).toBe(1 + 8);
  const none = simulate(requests, { ...engine, enableBlockReuse: false }, perToken);
  expect([...none.cachedPromptTokens]).toEqual([0, 0, 0]);
});

test("a cache that is too small forgets what was used longest ago, the end of a prompt before its beginning", () => {
  const prompt = (first: number, arrivalMs: number) => ({
    ...request(33, 1, arrivalMs),
    prefixBlocks: [first, first + 1, first + 2, first + 3],
    blockTokens: 8,
  });
  const requests = [prompt(10, 0), prompt(20, 1000), prompt(30, 2000), prompt(20, 3000), prompt(10, 4000)];
  const cached = (kvBlocks: number) => [
    ...simulate(requests, { ...engine, kvBlocks }, perToken).cachedPromptTokens,
  ];
  expect(cached(64)).toEqual([0, 0, 0, 32, 32]);
  expect(cached(12)).toEqual([0, 0, 0, 32, 24]);
});

test("a request that can never fit, or finds the queue full, is refused", () => {
  const result = simulate(
    [request(500, 20), request(8, 8), request(8, 8), request(8, 8)],
    { ...engine, maxBatchSize: 1, maxQueueSize: 2 },
    perToken,
  );
  expect(result.refused).toBe(2);
  expect([...result.totalMs].map(Number.isNaN)).toEqual([true, false, false, true]);
});

test("under a static batch nobody joins before all have ended", () => {
  const requests = [request(8, 20), request(8, 1, 1)];
  const { queueMs, totalMs } = simulate(requests, { ...engine, schedulerPolicy: "STATIC_BATCH" }, perToken);
  expect(queueMs[1]).toBe(totalMs[0]! - 1);
});

test("maximum utilization lets more in than can end, and pauses the last", () => {
  const small = { ...engine, kvBlocks: 8, maxBatchSize: 4 };
  const requests = [request(8, 40), request(8, 40), request(8, 40)];
  const kept = simulate(requests, small, perToken);
  const paused = simulate(requests, { ...small, schedulerPolicy: "MAX_UTILIZATION" }, perToken);
  expect(kept).toMatchObject({ pauses: 0, generatedTokens: 120 });
  expect(paused.pauses).toBeGreaterThan(0);
  expect(paused.generatedTokens).toBe(120);
  expect(paused.queueMs[2]).toBeLessThan(kept.queueMs[2]!);
});

const anyRequest = fc
  .record({
    arrivalMs: fc.nat(3000),
    promptTokens: fc.integer({ min: 1, max: 200 }),
    completionTokens: fc.integer({ min: 1, max: 60 }),
    more: fc.nat(40),
    path: fc.array(fc.nat(2), { maxLength: 20 }),
  })
  .map(
    ({ more, path, ...rest }): SimulatedRequest => ({
      ...rest,
      maxTokens: rest.completionTokens + more,
      blockTokens: 8,
      prefixBlocks: path
        .map((_, depth) => path.slice(0, depth + 1).reduce((id, step) => id * 4 + step + 1, 0))
        .slice(0, Math.floor(rest.promptTokens / 8)),
    }),
  );

const anyEngine = fc.record({
  maxBatchSize: fc.integer({ min: 1, max: 8 }),
  maxNumTokens: fc.integer({ min: 8, max: 128 }),
  maxSequenceTokens: fc.constant(400),
  maxQueueSize: fc.constantFrom(2, 1000),
  schedulerPolicy: fc.constantFrom("GUARANTEED_NO_EVICT", "MAX_UTILIZATION", "STATIC_BATCH"),
  contextChunkingPolicy: fc.constantFrom("FIRST_COME_FIRST_SERVED", "EQUAL_PROGRESS"),
  kvBlocks: fc.integer({ min: 20, max: 120 }),
  tokensPerBlock: fc.constantFrom(4, 8),
  enableBlockReuse: fc.boolean(),
});

test("whatever comes, each request is refused or ends once with all its tokens, and no block is made of nothing", () => {
  fc.assert(
    fc.property(
      fc.array(anyRequest, { minLength: 1, maxLength: 40 }),
      anyEngine,
      fc.boolean(),
      (all, config, inTurn) => {
        const requests = all.sort((a, b) => a.arrivalMs - b.arrivalMs);
        const result = simulate(requests, config, { ...perToken, deliversPartsInTurn: inTurn });
        const ended = requests.filter((_, index) => !Number.isNaN(result.totalMs[index]));
        expect(ended.length + result.refused).toBe(requests.length);
        const tokens = ended.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
        expect(result.generatedTokens).toBe(tokens);
        expect(result.interTokenLatencies.count).toBe(tokens - ended.length);
        expect(result.peakKvBlocks).toBeLessThanOrEqual(config.kvBlocks);
        for (const [index, { promptTokens }] of requests.entries()) {
          if (Number.isNaN(result.totalMs[index])) continue;
          expect(result.queueMs[index]).toBeGreaterThanOrEqual(0);
          expect(result.timeToFirstTokenMs[index]).toBeGreaterThan(result.queueMs[index]!);
          expect(result.totalMs[index]).toBeGreaterThanOrEqual(result.timeToFirstTokenMs[index]!);
          expect(result.cachedPromptTokens[index]).toBeLessThan(promptTokens);
        }
      },
    ),
    { numRuns: 500 },
  );
});
