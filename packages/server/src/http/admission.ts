import { tooManyRequests, unavailable } from "../api-error.ts";

/** One request that asks a model for something. */
export interface Call {
  /** Aborted where the client goes away, or by `abort()`. */
  readonly signal: AbortSignal;
  abort(): void;
  /** To be called once it is answered whole, or not at all. Idempotent. */
  end(): void;
}

/** Lets requests in, and knows which run. */
export class Admission {
  readonly #mostPerKey: number;
  readonly #running = new Map<string, number>();
  #closed = false;
  #emptied: (() => void)[] = [];

  constructor(mostPerKey = Number.POSITIVE_INFINITY) {
    this.#mostPerKey = mostPerKey;
  }

  get open(): boolean {
    return !this.#closed;
  }

  /** @throws ApiError: 503 once closed, 429 where the key has as many running as it may */
  enter(key: string, client: AbortSignal): Call {
    if (this.#closed) throw unavailable("The server is shutting down.");
    const running = this.#running.get(key) ?? 0;
    if (running >= this.#mostPerKey) {
      throw tooManyRequests(`At most ${this.#mostPerKey} requests of one API key may run at once.`);
    }
    this.#running.set(key, running + 1);
    const aborting = new AbortController();
    let ended = false;
    return {
      signal: AbortSignal.any([client, aborting.signal]),
      abort: () => aborting.abort(),
      end: () => {
        if (ended) return;
        ended = true;
        this.#leave(key);
      },
    };
  }

  /** Lets nobody in from now on, and resolves once nobody is left. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  #leave(key: string): void {
    const left = this.#running.get(key)! - 1;
    if (left > 0) this.#running.set(key, left);
    else this.#running.delete(key);
    if (this.#running.size > 0) return;
    for (const resolve of this.#emptied.splice(0)) resolve();
  }
}
