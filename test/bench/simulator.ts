/** How many requests a second the simulator of in-flight batching gets through. Run: npm run bench:simulator */
import { type SimulatedEngine, type SimulatedRequest, type StepTime, simulate } from "@trtllm-node/tuning";
import Table from "cli-table3";

const engine: SimulatedEngine = {
  maxBatchSize: 64,
  maxNumTokens: 2048,
  maxSequenceTokens: 20_000,
  maxQueueSize: Number.POSITIVE_INFINITY,
  schedulerPolicy: "GUARANTEED_NO_EVICT",
  contextChunkingPolicy: "FIRST_COME_FIRST_SERVED",
  kvBlocks: 4000,
  tokensPerBlock: 32,
  enableBlockReuse: true,
};

/** A GPU's shape: a fixed part, and little for each token. */
const stepTime: StepTime = {
  deliversPartsInTurn: false,
  ms: ({ contextTokens, contextPairs, generating, kvTokens }) =>
    5 + 0.02 * contextTokens + 1e-7 * contextPairs + 0.05 * generating + 1e-5 * kvTokens,
};

const count = 300_000;

/** Exponential lengths, mean 600 and 200 tokens; with `shared` the first 256 of one of 50 beginnings. */
function makeRequests(rate: number, shared: boolean): SimulatedRequest[] {
  let state = 1;
  const exponential = (mean: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return -mean * Math.log(1 - state / 2 ** 32);
  };
  let arrivalMs = 0;
  return Array.from({ length: count }, (_, index) => {
    arrivalMs += exponential(1000 / rate);
    const blocks = Array.from({ length: 8 }, (_, block) =>
      block < 4 ? (index % 50) * 4 + block : 200 + index * 4 + block,
    );
    return {
      arrivalMs,
      promptTokens: 1 + Math.floor(exponential(600)),
      completionTokens: 1 + Math.floor(exponential(200)),
      maxTokens: 1000,
      ...(shared && { blockTokens: 64, prefixBlocks: blocks }),
    };
  });
}

const table = new Table({ head: ["load", "answers a step", "steps", "simulated requests/s"] });
for (const [name, rate, shared] of [
  ["3 requests/s", 3, false],
  ["30 requests/s", 30, false],
  ["30 requests/s, shared beginnings", 30, true],
] as const) {
  const requests = makeRequests(rate, shared);
  const start = performance.now();
  const { meanBatch, steps } = simulate(requests, engine, stepTime);
  const perSecond = (1000 * count) / (performance.now() - start);
  table.push([
    name,
    meanBatch.toFixed(1),
    steps.toLocaleString("en"),
    Math.round(perSecond).toLocaleString("en"),
  ]);
}
console.log(table.toString());
