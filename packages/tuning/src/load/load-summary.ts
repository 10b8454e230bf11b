import { isGood, type ServiceLevel } from "../analyze/service-level.ts";
import { proportion } from "../statistics/proportion.ts";
import { type Distribution, distribution, type Estimate } from "../statistics/quantile.ts";
import type { TrafficRequest } from "../traffic/traffic-request.ts";
import type { LoadResult } from "./run-load.ts";

/** A load in numbers. Times in milliseconds. */
export interface LoadSummary {
  readonly requests: number;
  readonly failed: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly durationMs: number;
  /** Generated tokens, and ended requests, a second. */
  readonly tokensPerSecond: number;
  readonly requestsPerSecond: number;
  readonly timeToFirstTokenMs: Distribution | undefined;
  /** Mean of each request. */
  readonly requestInterTokenMs: Distribution | undefined;
  /** Of all tokens but the first of each request; `undefined` where there was none. */
  readonly interTokenMs: { readonly p50: number; readonly p90: number; readonly p99: number } | undefined;
  readonly totalMs: Distribution | undefined;
  /** Good requests a second, with their share, where a service level is given. */
  readonly goodput: { readonly perSecond: Estimate; readonly share: Estimate } | undefined;
}

export function summarizeLoad(result: LoadResult, level?: ServiceLevel): LoadSummary {
  const { requests, errors, durationMs, generatedTokens, interTokenLatencies } = result;
  const seconds = durationMs / 1000;
  const failed = requests.filter(({ outcome }) => outcome === "failed").length;
  const known = (key: "timeToFirstTokenMs" | "interTokenMs" | "totalMs") =>
    distribution(requests.flatMap((request) => request[key] ?? []));
  const at = (q: number) => interTokenLatencies.quantile(q)!;
  return {
    requests: requests.length,
    failed,
    errors,
    durationMs,
    tokensPerSecond: seconds > 0 ? generatedTokens / seconds : 0,
    requestsPerSecond: seconds > 0 ? (requests.length - failed) / seconds : 0,
    timeToFirstTokenMs: known("timeToFirstTokenMs"),
    requestInterTokenMs: known("interTokenMs"),
    interTokenMs: interTokenLatencies.count === 0 ? undefined : { p50: at(0.5), p90: at(0.9), p99: at(0.99) },
    totalMs: known("totalMs"),
    goodput: level && goodput(requests, level, seconds),
  };
}

function goodput(
  requests: readonly TrafficRequest[],
  level: ServiceLevel,
  seconds: number,
): LoadSummary["goodput"] {
  const good = requests.filter((request) => isGood(request, level) === true).length;
  const share = proportion(good, requests.length);
  if (share === undefined || seconds === 0) return undefined;
  const rate = requests.length / seconds;
  const perSecond = { value: share.value * rate, low: share.low * rate, high: share.high * rate };
  return { perSecond, share };
}
