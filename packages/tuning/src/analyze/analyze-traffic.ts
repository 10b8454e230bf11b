import { describeArrivals } from "../statistics/arrivals.ts";
import { describeConcurrency } from "../statistics/concurrency.ts";
import { jointLengths } from "../statistics/joint-lengths.ts";
import { Survival } from "../statistics/kaplan-meier.ts";
import { distribution, quantiles } from "../statistics/quantile.ts";
import { reuseCurve } from "../statistics/reuse-curve.ts";
import { isCensored, type TrafficRequest } from "../traffic/traffic-request.ts";
import { isGood, type ServiceLevel } from "./service-level.ts";
import type {
  AllowedTokens,
  AnswerLengths,
  PrefixAnalysis,
  ServiceLevelAnalysis,
  TrafficAnalysis,
} from "./traffic-analysis.ts";

export interface AnalysisOptions {
  /** Milliseconds from the first arrival whose requests are left out: engines are slower while they warm up. Default 0. */
  readonly warmUpMs?: number | undefined;
  readonly serviceLevel?: ServiceLevel | undefined;
}

/** @param all in order of arrival */
export function analyzeTraffic(
  all: readonly TrafficRequest[],
  options: AnalysisOptions = {},
): TrafficAnalysis {
  const { warmUpMs = 0, serviceLevel } = options;
  const begin = (all[0]?.arrivalMs ?? 0) + warmUpMs;
  const requests = all.filter(({ arrivalMs }) => arrivalMs >= begin);
  const arrivals = describeArrivals(requests.map(({ arrivalMs }) => arrivalMs));
  const known = <K extends keyof TrafficRequest>(key: K) =>
    requests.flatMap((request) =>
      request[key] === undefined ? [] : [request[key] as NonNullable<TrafficRequest[K]>],
    );
  const answered = requests.filter(hasLengths);
  return {
    requests: requests.length,
    outcomes: count(known("outcome")),
    arrivals,
    promptTokens: distribution(known("promptTokens")),
    completionTokens: lengths(answered, ({ completionTokens }) => completionTokens),
    sequenceTokens: lengths(
      answered,
      ({ promptTokens, completionTokens }) => promptTokens + completionTokens,
    ),
    lengths:
      answered.length === 0
        ? undefined
        : jointLengths(
            answered.map(({ promptTokens, completionTokens }) => [promptTokens, completionTokens]),
          ),
    maxTokens: allowed(answered),
    concurrency: describeConcurrency(
      requests.flatMap(({ arrivalMs, totalMs }) =>
        totalMs === undefined ? [] : [{ from: arrivalMs, to: arrivalMs + totalMs }],
      ),
    ),
    prefixes: prefixes(requests),
    queueMs: distribution(known("queueMs")),
    timeToFirstTokenMs: distribution(known("timeToFirstTokenMs")),
    interTokenMs: distribution(known("interTokenMs")),
    totalMs: distribution(known("totalMs")),
    serviceLevel: serviceLevel && judge(requests, serviceLevel, arrivals?.seconds),
  };
}

type Answered = TrafficRequest & { readonly promptTokens: number; readonly completionTokens: number };

function hasLengths(request: TrafficRequest): request is Answered {
  return request.promptTokens !== undefined && request.completionTokens !== undefined;
}

function count<T extends string>(values: readonly T[]): Partial<Record<T, number>> {
  const counts: Partial<Record<T, number>> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

function lengths(
  requests: readonly Answered[],
  length: (request: Answered) => number,
): AnswerLengths | undefined {
  if (requests.length === 0) return undefined;
  const survival = new Survival(
    requests.map((request) => ({ length: length(request), censored: isCensored(request) })),
  );
  return {
    count: survival.count,
    censored: survival.censored,
    max: survival.longest,
    mean: survival.restrictedMean,
    ...quantiles((q) => survival.quantile(q)),
  };
}

function allowed(requests: readonly Answered[]): AllowedTokens | undefined {
  const limited = requests.flatMap(({ maxTokens, ...rest }) =>
    maxTokens === undefined ? [] : [{ ...rest, maxTokens }],
  );
  const tokens = distribution(limited.map(({ maxTokens }) => maxTokens));
  if (tokens === undefined) return undefined;
  let [reserved, used] = [0, 0];
  for (const { promptTokens, completionTokens, maxTokens } of limited) {
    reserved += promptTokens + maxTokens;
    used += promptTokens + completionTokens;
  }
  return { ...tokens, reservation: used > 0 ? reserved / used : undefined };
}

function prefixes(requests: readonly TrafficRequest[]): PrefixAnalysis | undefined {
  const prompts = requests.flatMap(({ prefixBlocks, blockTokens, promptTokens, completionTokens = 0 }) =>
    prefixBlocks === undefined || blockTokens === undefined || promptTokens === undefined
      ? []
      : [{ promptTokens, blocks: prefixBlocks, completionTokens, blockTokens }],
  );
  const blockTokens = prompts[0]?.blockTokens;
  if (blockTokens === undefined) return undefined;
  const comparable = prompts.filter((prompt) => prompt.blockTokens === blockTokens);
  let [cached, tokens] = [0, 0];
  for (const { cachedPromptTokens, promptTokens = 0 } of requests) {
    if (cachedPromptTokens === undefined) continue;
    cached += cachedPromptTokens;
    tokens += promptTokens;
  }
  return {
    ...reuseCurve(comparable, blockTokens),
    blockTokens,
    recordedHitRate: tokens > 0 ? cached / tokens : undefined,
  };
}

function judge(
  requests: readonly TrafficRequest[],
  level: ServiceLevel,
  seconds: number | undefined,
): ServiceLevelAnalysis {
  const verdicts = requests.flatMap((request) => isGood(request, level) ?? []);
  const good = verdicts.filter(Boolean).length;
  return { level, judged: verdicts.length, good, goodput: seconds === undefined ? 0 : good / seconds };
}
