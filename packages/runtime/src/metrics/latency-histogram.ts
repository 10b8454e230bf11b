import { build, type Histogram } from "hdr-histogram-js";

/** Milliseconds; percentiles are exact to three digits. All are 0 where nothing was recorded. */
export interface LatencySummary {
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** Latencies of any number of requests in constant memory (HdrHistogram, in microseconds). */
export class LatencyHistogram {
  readonly #histogram: Histogram = build({ highestTrackableValue: 60e6, autoResize: true });
  #min = Number.POSITIVE_INFINITY;
  #max = 0;
  #sum = 0;

  record(ms: number): void {
    this.#histogram.recordValue(Math.round(ms * 1000));
    this.#min = Math.min(this.#min, ms);
    this.#max = Math.max(this.#max, ms);
    this.#sum += ms;
  }

  summary(): LatencySummary {
    const count = this.#histogram.totalCount;
    const percentile = (p: number) => this.#histogram.getValueAtPercentile(p) / 1000;
    return {
      count,
      mean: count > 0 ? this.#sum / count : 0,
      min: count > 0 ? this.#min : 0,
      max: this.#max,
      p50: percentile(50),
      p90: percentile(90),
      p99: percentile(99),
    };
  }
}
