const perLog = 1 / Math.log(1.005);
const smallest = 1e-3;

/** Any number of weighted latencies in constant memory; quantiles are within half a per cent. Milliseconds. */
export class LatencyCounts {
  count = 0;
  #sum = 0;
  readonly #counts: number[] = [];

  add(ms: number, weight = 1): void {
    if (weight === 0) return;
    this.count += weight;
    this.#sum += ms * weight;
    const bucket = Math.max(0, Math.ceil(Math.log(ms / smallest) * perLog));
    while (this.#counts.length <= bucket) this.#counts.push(0);
    this.#counts[bucket]! += weight;
  }

  get mean(): number | undefined {
    return this.count === 0 ? undefined : this.#sum / this.count;
  }

  /** By nearest rank; `undefined` of none. */
  quantile(q: number): number | undefined {
    let left = Math.ceil(q * this.count);
    if (left === 0) return undefined;
    const bucket = this.#counts.findIndex((count) => {
      left -= count;
      return left <= 0;
    });
    return smallest * Math.exp((bucket - 0.5) / perLog);
  }
}
