import type { ServiceLevel } from "../analyze/service-level.ts";
import { NotConfidentError } from "../errors.ts";
import type { SimulatedEngine } from "../simulate/simulated-engine.ts";
import type { SimulatedRequest } from "../simulate/simulation.ts";
import type { StepTime } from "../simulate/step-time.ts";
import type { TrafficRequest } from "../traffic/traffic-request.ts";
import { backTest } from "./back-test.ts";
import { type Choice, explain } from "./explain.ts";
import { type Prediction, predict } from "./predict.ts";
import { sequenceLimit } from "./sequence-limit.ts";
import { simulatedRequests } from "./simulated-requests.ts";

export interface RecommendOptions {
  /** What the traffic was recorded with, or what is run today. */
  readonly engine: SimulatedEngine;
  readonly stepTime: StepTime;
  readonly serviceLevel: ServiceLevel;
  /** Most KV tokens that the memory allows. Default: those of the engine. */
  readonly kvTokens?: number | undefined;
  /** Largest batch to look at. Default 4 times the engine's. Beyond what was calibrated, step times are extrapolated. */
  readonly largestBatch?: number | undefined;
  /** Recommend nothing where the simulator does not reproduce the recorded times. Default true. */
  readonly backTest?: boolean | undefined;
}

export interface Recommendation {
  readonly engine: SimulatedEngine;
  readonly before: Prediction;
  readonly after: Prediction;
  /** One for each setting that changes. */
  readonly choices: readonly Choice[];
  /** Settings that were simulated. */
  readonly simulated: number;
}

/**
 * Looks for the settings of one engine that serve most good requests a second of this traffic: batch size, tokens a
 * step, sequence limit, chunking and scheduler policy. All of them can be set when an engine is loaded, up to what it
 * was built for.
 * @throws NotConfidentError: there is too little traffic, or the simulator does not reproduce it
 */
export function recommend(traffic: readonly TrafficRequest[], options: RecommendOptions): Recommendation {
  const { engine, stepTime, serviceLevel, largestBatch = 4 * engine.maxBatchSize } = options;
  if (options.backTest ?? true) {
    const { passed, problems } = backTest(traffic, engine, stepTime);
    if (!passed) {
      throw new NotConfidentError(
        `Nothing is recommended. ${problems.join(" ")} Record more, or calibrate again on an engine that does nothing else.`,
      );
    }
  }
  const { requests } = simulatedRequests(traffic);
  const kvTokens = options.kvTokens ?? engine.kvBlocks * engine.tokensPerBlock;
  const limit = sequenceLimit(requests, engine);
  const base = { ...engine, ...limit, kvBlocks: Math.floor(kvTokens / engine.tokensPerBlock) };
  const before = predict(requests, engine, stepTime, serviceLevel);
  const search = new Search(requests, stepTime, serviceLevel);
  for (const maxBatchSize of doubling(1, largestBatch)) {
    for (const maxNumTokens of doubling(32, 16_384)) {
      if (maxNumTokens < maxBatchSize) continue;
      for (const contextChunkingPolicy of ["FIRST_COME_FIRST_SERVED", "EQUAL_PROGRESS"] as const) {
        for (const schedulerPolicy of ["GUARANTEED_NO_EVICT", "MAX_UTILIZATION"] as const) {
          search.try({ ...base, maxBatchSize, maxNumTokens, contextChunkingPolicy, schedulerPolicy });
        }
      }
    }
  }
  const best = search.best({ engine, prediction: before });
  return {
    engine: best.engine,
    before,
    after: best.prediction,
    choices: explain(engine, best.engine, search.tried, requests),
    simulated: search.tried.length,
  };
}

export interface Tried {
  readonly engine: SimulatedEngine;
  readonly prediction: Prediction;
}

class Search {
  readonly tried: Tried[] = [];
  readonly #requests: readonly SimulatedRequest[];
  readonly #stepTime: StepTime;
  readonly #level: ServiceLevel;

  constructor(requests: readonly SimulatedRequest[], stepTime: StepTime, level: ServiceLevel) {
    this.#requests = requests;
    this.#stepTime = stepTime;
    this.#level = level;
  }

  try(engine: SimulatedEngine): void {
    this.tried.push({ engine, prediction: predict(this.#requests, engine, this.#stepTime, this.#level) });
  }

  /** Most good requests; of those within 1 % the one that takes least memory, then the quickest to the first token. */
  best(current: Tried): Tried {
    const all = [current, ...this.tried];
    const most = all.reduce((best, { prediction }) => Math.max(best, prediction.goodput), 0);
    const close = all.filter(({ prediction }) => prediction.goodput >= 0.99 * most);
    // A policy that pauses needs a reason.
    const steady = close.filter(({ engine }) => engine.schedulerPolicy === "GUARANTEED_NO_EVICT");
    return [...(steady.length > 0 ? steady : close)].sort(
      (a, b) =>
        a.engine.maxBatchSize - b.engine.maxBatchSize ||
        a.prediction.timeToFirstTokenMs.p90 - b.prediction.timeToFirstTokenMs.p90 ||
        a.engine.maxNumTokens - b.engine.maxNumTokens,
    )[0]!;
  }
}

function doubling(from: number, to: number): number[] {
  const sizes: number[] = [];
  for (let size = from; size <= to; size *= 2) sizes.push(size);
  return sizes;
}
