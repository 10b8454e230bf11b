/** When the tokens of one answer came, in nanoseconds of the monotonic clock. */
export class TokenTimes {
  readonly #counts: number[] = [];
  readonly #timesNs: number[] = [];

  /** @param timeNs when the newest of `count` tokens came */
  add(count: number, timeNs: number): void {
    this.#counts.push(count);
    this.#timesNs.push(timeNs);
  }

  /** When the newest token came; 0 where there is none. */
  get lastNs(): number {
    return this.#timesNs.at(-1) ?? 0;
  }

  /**
   * Milliseconds between each token and the one before: one less than there are tokens. Tokens that came together
   * share the time since those before.
   * @param firstNs when the first token came
   */
  latencies(firstNs: number): Float64Array {
    const tokens = this.#counts.reduce((sum, count) => sum + count, 0);
    const latencies = new Float64Array(Math.max(tokens - 1, 0));
    let before = firstNs;
    let at = -1;
    for (const [index, count] of this.#counts.entries()) {
      const timeNs = this.#timesNs[index]!;
      // The very first token is after none.
      const shared = index === 0 ? count - 1 : count;
      latencies.fill(Math.max(timeNs - before, 0) / 1e6 / shared, Math.max(at, 0), at + count);
      at += count;
      before = timeNs;
    }
    return latencies;
  }
}
