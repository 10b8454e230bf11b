import { expect, test } from "vitest";
import { NotConfidentError } from "../errors.ts";
import { randomNumbers } from "../random.ts";
import { simulate } from "../simulate/simulate.ts";
import type { SimulatedEngine } from "../simulate/simulated-engine.ts";
import type { StepTime } from "../simulate/step-time.ts";
import type { TrafficRequest } from "../traffic/traffic-request.ts";
import { backTest } from "./back-test.ts";
import { executorOptions } from "./engine-settings.ts";
import { recommend } from "./recommend.ts";

const engine: SimulatedEngine = {
  maxBatchSize: 2,
  maxNumTokens: 2048,
  maxSequenceTokens: 32_768,
  maxQueueSize: 1000,
  schedulerPolicy: "GUARANTEED_NO_EVICT",
  contextChunkingPolicy: "FIRST_COME_FIRST_SERVED",
  kvBlocks: 2000,
  tokensPerBlock: 32,
  enableBlockReuse: true,
};

/** Batches cost little, prompts much. */
const stepTime: StepTime = {
  ms: ({ contextTokens, generating }) => 4 + 0.2 * contextTokens + 0.1 * generating,
  deliversPartsInTurn: false,
};

/** Requests with the times that an engine with these step times gives them. */
function recordedTraffic(count: number, time: StepTime = stepTime): TrafficRequest[] {
  const uniform = randomNumbers(3);
  let now = 0;
  const requests = Array.from({ length: count }, () => {
    now += -140 * Math.log(uniform());
    const promptTokens = uniform() < 0.1 ? 1500 : 50 + Math.floor(100 * uniform());
    return {
      arrivalMs: now,
      promptTokens,
      completionTokens: 20 + Math.floor(40 * uniform()),
      maxTokens: 128,
    };
  });
  const { timeToFirstTokenMs, totalMs, interTokenMs } = simulate(requests, engine, time);
  return requests.map((request, index) => ({
    ...request,
    outcome: "end",
    timeToFirstTokenMs: timeToFirstTokenMs[index]!,
    interTokenMs: interTokenMs[index]!,
    totalMs: totalMs[index]!,
  }));
}

const serviceLevel = { timeToFirstTokenMs: 500, interTokenMs: 40 };

test("larger batches and smaller chunks are found where they help, each with its reason", () => {
  const result = recommend(recordedTraffic(1500), { engine, stepTime, serviceLevel, largestBatch: 32 });
  expect(result.after.goodput).toBeGreaterThan(1.3 * result.before.goodput);
  expect(result.engine.maxBatchSize).toBeGreaterThan(2);
  expect(result.engine.maxSequenceTokens).toBeLessThan(2500);
  const reasons = Object.fromEntries(result.choices.map(({ setting, reason }) => [setting, reason]));
  expect(reasons.maxSequenceTokens).toMatch(
    /^the longest request of the traffic may use 1,628 tokens; .* 9\d % less/,
  );
  expect(reasons.maxBatchSize).toMatch(/^[\d.]+ good requests\/s instead of [\d.]+ with 2; /);
  expect(executorOptions(result.engine, "gguf")).toMatchObject({
    maxBatchSize: result.engine.maxBatchSize,
    embedded: { maxSequenceTokens: result.engine.maxSequenceTokens },
  });
});

test("settings that are already best are kept, and no reason is invented", () => {
  const traffic = recordedTraffic(1500);
  const { engine: best } = recommend(traffic, { engine, stepTime, serviceLevel, largestBatch: 32 });
  const again = recommend(traffic, {
    engine: best,
    stepTime,
    serviceLevel,
    largestBatch: 32,
    backTest: false,
  });
  expect(again.after.goodput).toBeCloseTo(again.before.goodput, 1);
});

test("the simulator's own record passes the back-test, a slower engine's does not", () => {
  expect(backTest(recordedTraffic(1500), engine, stepTime)).toMatchObject({ passed: true, problems: [] });
  const slower: StepTime = { ...stepTime, ms: (work) => 1.5 * stepTime.ms(work) };
  const { passed, problems, compared } = backTest(recordedTraffic(1500, slower), engine, stepTime);
  expect(passed).toBe(false);
  expect(problems[0]).toMatch(
    /^time to first token, p50: \d+ ms predicted, \d+ ms recorded \(-\d+ %, at most 15 %\)\.$/,
  );
  expect(compared.length).toBeGreaterThan(4);
});

test.each([
  ["few requests", recordedTraffic(50), /50 requests .*, and 200 are needed/],
  [
    "no times",
    recordedTraffic(300).map(({ arrivalMs, promptTokens, completionTokens }) => ({
      arrivalMs,
      promptTokens,
      completionTokens,
    })),
    /No times were recorded/,
  ],
  [
    "no lengths",
    recordedTraffic(300).map(({ arrivalMs, totalMs }) => ({ arrivalMs, totalMs })),
    /do not tell their lengths/,
  ],
  [
    "another engine's times",
    recordedTraffic(300).map((each) => ({ ...each, totalMs: each.totalMs! * 3 })),
    /total time/,
  ],
])("nothing is recommended of %s", (_, traffic, message) => {
  const attempt = () => recommend(traffic, { engine, stepTime, serviceLevel });
  expect(attempt).toThrow(NotConfidentError);
  expect(attempt).toThrow(message);
});
