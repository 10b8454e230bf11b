import type { Percentiles } from "@trtllm-node/runtime";
import type { SimulatedEngine } from "../simulate/simulated-engine.ts";
import type { StepTime } from "../simulate/step-time.ts";
import type { TrafficRequest } from "../traffic/traffic-request.ts";
import { knownPercentiles, predict } from "./predict.ts";
import { simulatedRequests } from "./simulated-requests.ts";

/** How well the simulator reproduces what was recorded. */
export interface BackTest {
  /** Whether it is good enough to recommend anything. */
  readonly passed: boolean;
  /** What is wrong, one sentence each; empty where it passed. */
  readonly problems: readonly string[];
  readonly compared: readonly Comparison[];
}

export interface Comparison {
  /** Such as "time to first token, p50". */
  readonly name: string;
  readonly recorded: number;
  readonly predicted: number;
  /** predicted / recorded - 1. */
  readonly error: number;
  /** What it may be at most, either way. */
  readonly bound: number;
}

/** Fewer requests tell too little. */
const fewest = 200;
/** Source: the error of a median and of a 99th percentile that a plan can live with; other planners give none. */
const bounds = { p50: 0.15, p90: 0.2, p99: 0.25 } as const;

/**
 * Simulates a recorded window with the settings that it was recorded with, and compares.
 * @param traffic recorded on this engine, in order of arrival
 */
export function backTest(
  traffic: readonly TrafficRequest[],
  engine: SimulatedEngine,
  stepTime: StepTime,
): BackTest {
  const { requests, leftOut } = simulatedRequests(traffic);
  const problems: string[] = [];
  if (requests.length < fewest) {
    problems.push(`There are ${requests.length} requests whose lengths are known, and ${fewest} are needed.`);
  }
  if (leftOut > 0.05 * traffic.length) {
    problems.push(`${leftOut} of ${traffic.length} requests do not tell their lengths.`);
  }
  const prediction = predict(requests, engine, stepTime, {});
  const compared = [
    ...compare("time to first token", recorded(traffic, "timeToFirstTokenMs"), prediction.timeToFirstTokenMs),
    ...compare("total time", recorded(traffic, "totalMs"), prediction.totalMs),
  ];
  if (compared.length === 0) problems.push("No times were recorded, so nothing can be compared.");
  for (const { name, recorded: seen, predicted, error, bound } of compared) {
    if (Math.abs(error) <= bound) continue;
    problems.push(
      `${name}: ${predicted.toFixed(0)} ms predicted, ${seen.toFixed(0)} ms recorded (${Math.round(100 * error)} %, at most ${100 * bound} %).`,
    );
  }
  return { passed: problems.length === 0, problems, compared };
}

function recorded(traffic: readonly TrafficRequest[], key: "timeToFirstTokenMs" | "totalMs"): Float64Array {
  return Float64Array.from(traffic.flatMap((request) => request[key] ?? []));
}

function compare(name: string, values: Float64Array, predicted: Percentiles): Comparison[] {
  if (values.length === 0) return [];
  const seen = knownPercentiles(values);
  const known = (["p50", "p90", "p99"] as const).filter(
    (p) => values.length * (1 - Number(p.slice(1)) / 100) >= 10,
  );
  return known.map((p) => ({
    name: `${name}, ${p}`,
    recorded: seen[p],
    predicted: predicted[p],
    error: predicted[p] / seen[p] - 1,
    bound: bounds[p],
  }));
}
