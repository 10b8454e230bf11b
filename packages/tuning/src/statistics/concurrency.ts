export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** How many intervals are open at once, weighted by time. */
export interface Concurrency {
  readonly mean: number;
  readonly max: number;
  /** The smallest number that is not exceeded for such a share of the time. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** Share of the time with 0, 1, 2 … open. */
  readonly shares: readonly number[];
}

/** `undefined` where no interval has a length. */
export function describeConcurrency(intervals: readonly Interval[]): Concurrency | undefined {
  const events = intervals.flatMap(({ from, to }) => [
    { time: from, change: 1 },
    { time: to, change: -1 },
  ]);
  // Who leaves at the moment when another comes makes room for it.
  events.sort((a, b) => a.time - b.time || a.change - b.change);
  const span = (events.at(-1)?.time ?? 0) - (events[0]?.time ?? 0);
  if (span <= 0) return undefined;
  const times: number[] = [];
  let [open, last, area] = [0, events[0]!.time, 0];
  for (const { time, change } of events) {
    times[open] = (times[open] ?? 0) + time - last;
    area += open * (time - last);
    [open, last] = [open + change, time];
  }
  const shares = Array.from(times, (time) => (time ?? 0) / span);
  const quantile = (q: number) => {
    let sum = 0;
    return shares.findIndex((share) => {
      sum += share;
      return sum >= q - 1e-12;
    });
  };
  return {
    mean: area / span,
    max: shares.length - 1,
    p50: quantile(0.5),
    p90: quantile(0.9),
    p99: quantile(0.99),
    shares,
  };
}
