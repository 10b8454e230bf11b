export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** Of all values, by nearest rank: the smallest value that so many per cent do not exceed. `undefined` of none. */
export function percentiles(values: Float64Array): Percentiles | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.slice().sort();
  const rank = (p: number) => sorted[Math.ceil((p / 100) * sorted.length) - 1]!;
  return { p50: rank(50), p90: rank(90), p99: rank(99) };
}
