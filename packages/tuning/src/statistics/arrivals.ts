/** How requests arrive. */
export interface Arrivals {
  readonly count: number;
  /** From the first to the last, in seconds. */
  readonly seconds: number;
  /** Requests a second over the whole time. */
  readonly rate: number;
  /** Most requests within a second, and within a minute, as requests a second. */
  readonly peakRate: { readonly second: number; readonly minute: number };
  /**
   * Variance of the time between arrivals over the square of its mean: 1 for a Poisson process, more for bursts,
   * 0 for a steady beat.
   */
  readonly squaredVariation: number;
  /** Correlation of the time between two arrivals with the one before: above 0 where bursts come in runs. */
  readonly autocorrelation: number;
  /** Requests a second in each of at most 120 equal parts of the time. */
  readonly rates: readonly number[];
}

const mostParts = 120;

/** @param arrivals milliseconds, ascending. `undefined` under two, or where all came at once. */
export function describeArrivals(arrivals: readonly number[]): Arrivals | undefined {
  const seconds = ((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)) / 1000;
  if (arrivals.length < 2 || seconds === 0) return undefined;
  const gaps = Float64Array.from(
    { length: arrivals.length - 1 },
    (_, index) => arrivals[index + 1]! - arrivals[index]!,
  );
  const mean = (seconds * 1000) / gaps.length;
  let [variance, covariance] = [0, 0];
  for (let index = 0; index < gaps.length; index += 1) {
    variance += (gaps[index]! - mean) ** 2;
    if (index > 0) covariance += (gaps[index]! - mean) * (gaps[index - 1]! - mean);
  }
  return {
    count: arrivals.length,
    seconds,
    rate: gaps.length / seconds,
    peakRate: { second: peak(arrivals, 1000), minute: peak(arrivals, 60_000) / 60 },
    squaredVariation: variance / gaps.length / mean ** 2,
    autocorrelation: variance > 0 ? covariance / variance : 0,
    rates: rates(arrivals, seconds),
  };
}

function rates(arrivals: readonly number[], seconds: number): number[] {
  const parts = Math.min(mostParts, Math.ceil(seconds), arrivals.length);
  const counts = new Array<number>(parts).fill(0);
  for (const arrival of arrivals) {
    const part = Math.floor(((arrival - arrivals[0]!) / 1000 / seconds) * parts);
    counts[Math.min(part, parts - 1)]! += 1;
  }
  return counts.map((count) => (count * parts) / seconds);
}

/** Most arrivals within any window of so many milliseconds. */
function peak(arrivals: readonly number[], window: number): number {
  let [most, first] = [0, 0];
  for (const [index, arrival] of arrivals.entries()) {
    while (arrivals[first]! <= arrival - window) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
