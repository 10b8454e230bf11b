export interface RestartPolicy {
  /** Crashes within `crashWindowMs` after which the executor stays down; 0: it is never restarted. */
  readonly maxCrashes: number;
  readonly crashWindowMs: number;
  /** Wait before the first restart; doubled by each further crash in the window, up to `maxBackoffMs`. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

/** Decides after a crash whether, and when, to start again. */
export class CrashHistory {
  readonly #policy: RestartPolicy;
  #crashes: number[] = [];

  constructor(policy: RestartPolicy) {
    this.#policy = policy;
  }

  /** Milliseconds to wait before the restart; `undefined` where there have been too many crashes. */
  crashed(nowMs: number): number | undefined {
    const { maxCrashes, crashWindowMs, backoffMs, maxBackoffMs } = this.#policy;
    this.#crashes = [...this.#crashes.filter((time) => nowMs - time < crashWindowMs), nowMs];
    const count = this.#crashes.length;
    return count > maxCrashes ? undefined : Math.min(backoffMs * 2 ** (count - 1), maxBackoffMs);
  }
}
