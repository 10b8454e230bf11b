/** A quantile with the interval that holds the true one with 95 % confidence. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The standard normal distribution has 95 % within so many deviations. */
export const z95 = 1.959964;

/** Whether so many samples tell a quantile: at least 10 lie beyond it on either side. */
export function isSufficient(count: number, q: number): boolean {
  // 1 - 0.9 is a little less than 0.1.
  return count * Math.min(q, 1 - q) >= 10 - 1e-9;
}

/**
 * The q-quantile by nearest rank and its interval by order statistics: ranks nq -+ 1.96 sqrt(nq(1 - q)), which holds for
 * any distribution of independent samples. `undefined` where the samples are too few.
 * Source: Conover, Practical Nonparametric Statistics, "confidence interval for a quantile".
 * @param sorted ascending
 */
export function quantile(sorted: Float64Array, q: number): Estimate | undefined {
  const n = sorted.length;
  if (!isSufficient(n, q)) return undefined;
  const spread = z95 * Math.sqrt(n * q * (1 - q));
  const at = (rank: number) => sorted[Math.min(Math.max(Math.ceil(rank), 1), n) - 1]!;
  return { value: at(n * q), low: at(n * q - spread), high: at(n * q + spread + 1) };
}

/** Each `undefined` where the samples are too few to tell it. */
export interface Quantiles {
  readonly p50: Estimate | undefined;
  readonly p90: Estimate | undefined;
  readonly p99: Estimate | undefined;
  readonly p999: Estimate | undefined;
}

export interface Distribution extends Quantiles {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
}

/** @param quantile gives the q-quantile */
export function quantiles(quantile: (q: number) => Estimate | undefined): Quantiles {
  return { p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), p999: quantile(0.999) };
}

/** `undefined` of no values. */
export function distribution(values: Iterable<number>): Distribution | undefined {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return undefined;
  let sum = 0;
  for (const value of sorted) sum += value;
  return {
    count: sorted.length,
    min: sorted[0]!,
    max: sorted.at(-1)!,
    mean: sum / sorted.length,
    ...quantiles((q) => quantile(sorted, q)),
  };
}
