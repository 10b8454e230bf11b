import type { Arrivals } from "../statistics/arrivals.ts";
import type { Concurrency } from "../statistics/concurrency.ts";
import type { JointLengths } from "../statistics/joint-lengths.ts";
import type { Distribution, Quantiles } from "../statistics/quantile.ts";
import type { ReuseCurve } from "../statistics/reuse-curve.ts";
import type { trafficOutcomes } from "../traffic/traffic-request.ts";
import type { ServiceLevel } from "./service-level.ts";

/** What a window of traffic is like. A part is `undefined` where the requests do not tell it, or are too few. */
export interface TrafficAnalysis {
  readonly requests: number;
  /** By how they ended; of those that say so. */
  readonly outcomes: Readonly<Partial<Record<(typeof trafficOutcomes)[number], number>>>;
  readonly arrivals: Arrivals | undefined;
  /** Tokens. */
  readonly promptTokens: Distribution | undefined;
  readonly completionTokens: AnswerLengths | undefined;
  /** Of prompt and answer together, tokens. */
  readonly sequenceTokens: AnswerLengths | undefined;
  readonly lengths: JointLengths | undefined;
  /** What requests allow, and how much more that is than answers use. */
  readonly maxTokens: AllowedTokens | undefined;
  readonly concurrency: Concurrency | undefined;
  readonly prefixes: PrefixAnalysis | undefined;
  /** Milliseconds. */
  readonly queueMs: Distribution | undefined;
  readonly timeToFirstTokenMs: Distribution | undefined;
  readonly interTokenMs: Distribution | undefined;
  readonly totalMs: Distribution | undefined;
  readonly serviceLevel: ServiceLevelAnalysis | undefined;
}

/** Lengths of which some were cut off, estimated as if none had been (Kaplan-Meier). */
export interface AnswerLengths extends Quantiles {
  readonly count: number;
  /** Cut off by a limit, a time-out or a cancel: their length is a lower bound. */
  readonly censored: number;
  /** The longest seen. */
  readonly max: number;
  /** Up to `max`: a lower bound where the longest was cut off. */
  readonly mean: number;
}

export interface AllowedTokens extends Distribution {
  /** KV cache that requests reserve under GUARANTEED_NO_EVICT over what they come to use: mean of (prompt + maxTokens) over mean of (prompt + answer). */
  readonly reservation: number | undefined;
}

export interface PrefixAnalysis extends ReuseCurve {
  readonly blockTokens: number;
  /** Share of the prompts' tokens that the engine found in its cache, where it was recorded. */
  readonly recordedHitRate: number | undefined;
}

export interface ServiceLevelAnalysis {
  readonly level: ServiceLevel;
  /** Requests of which it can be told. */
  readonly judged: number;
  readonly good: number;
  /** Good requests a second. */
  readonly goodput: number;
}
