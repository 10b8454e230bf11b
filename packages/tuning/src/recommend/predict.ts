import { type Percentiles, percentiles } from "@trtllm-node/runtime";
import { isGood, type ServiceLevel } from "../analyze/service-level.ts";
import { simulate } from "../simulate/simulate.ts";
import type { SimulatedEngine } from "../simulate/simulated-engine.ts";
import type { SimulatedRequest, Simulation } from "../simulate/simulation.ts";
import type { StepTime } from "../simulate/step-time.ts";

/** What a setting would give under a trace. Times in milliseconds, percentiles of the requests that ran. */
export interface Prediction {
  /** Good requests a second, and their share of all. */
  readonly goodput: number;
  readonly goodShare: number;
  readonly refused: number;
  readonly tokensPerSecond: number;
  readonly timeToFirstTokenMs: Percentiles;
  /** Of every token but the first of each request. */
  readonly interTokenMs: Percentiles;
  readonly totalMs: Percentiles;
  /** Most KV blocks in use. */
  readonly peakKvBlocks: number;
  /** Answers in progress, a step. */
  readonly meanBatch: number;
  /** Pauses a request. */
  readonly pauses: number;
}

/** @param requests in order of arrival */
export function predict(
  requests: readonly SimulatedRequest[],
  engine: SimulatedEngine,
  stepTime: StepTime,
  level: ServiceLevel,
): Prediction {
  const simulation = simulate(requests, engine, stepTime);
  const good = goodRequests(simulation, level);
  const { interTokenLatencies, durationMs } = simulation;
  const itl = (q: number) => interTokenLatencies.quantile(q) ?? 0;
  return {
    goodput: durationMs > 0 ? (1000 * good) / durationMs : 0,
    goodShare: good / Math.max(requests.length, 1),
    refused: simulation.refused,
    tokensPerSecond: durationMs > 0 ? (1000 * simulation.generatedTokens) / durationMs : 0,
    timeToFirstTokenMs: knownPercentiles(simulation.timeToFirstTokenMs),
    interTokenMs: { p50: itl(0.5), p90: itl(0.9), p99: itl(0.99) },
    totalMs: knownPercentiles(simulation.totalMs),
    peakKvBlocks: simulation.peakKvBlocks,
    meanBatch: simulation.meanBatch,
    pauses: simulation.pauses / Math.max(requests.length, 1),
  };
}

function goodRequests(simulation: Simulation, level: ServiceLevel): number {
  const { timeToFirstTokenMs, interTokenMs, totalMs } = simulation;
  let good = 0;
  for (let index = 0; index < totalMs.length; index += 1) {
    if (Number.isNaN(totalMs[index])) continue;
    const mean = interTokenMs[index]!;
    const times = {
      timeToFirstTokenMs: timeToFirstTokenMs[index]!,
      interTokenMs: Number.isNaN(mean) ? undefined : mean,
      totalMs: totalMs[index]!,
    };
    if (isGood(times, level) === true) good += 1;
  }
  return good;
}

/** Of those that are numbers; 0 where none is. */
export function knownPercentiles(values: Float64Array): Percentiles {
  return percentiles(values.filter((value) => !Number.isNaN(value))) ?? { p50: 0, p90: 0, p99: 0 };
}
