import { LatencyCounts } from "../statistics/latency-counts.ts";
import type { TrafficRequest } from "../traffic/traffic-request.ts";
import type { LoadRequest } from "./load-request.ts";
import type { LoadTarget } from "./load-target.ts";

export interface LoadOptions {
  /**
   * Closed loop: so many at once, each followed by the next as soon as it has ended. Left out: open loop, each request
   * at its arrival time however many are still running.
   */
  readonly concurrency?: number | undefined;
  /** Requests that arrive in so many milliseconds from the beginning do not count. Default 0. */
  readonly warmUpMs?: number | undefined;
  /** Aborting it ends the run: what runs is cancelled, `runLoad` rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called when a request has ended. */
  readonly onProgress?: ((ended: number, of: number) => void) | undefined;
}

/** What came of a load. Times are the client's. */
export interface LoadResult {
  /** Those that count, in the order that was given; `arrivalMs` from the beginning. */
  readonly requests: readonly TrafficRequest[];
  /** Between tokens, of every token but the first of each request; tokens that came together share the time. */
  readonly interTokenLatencies: LatencyCounts;
  /** From the first arrival that counts to the last token of a request that counts. */
  readonly durationMs: number;
  readonly generatedTokens: number;
  /** Requests that failed, by code. */
  readonly errors: Readonly<Record<string, number>>;
}

/**
 * Puts a load on a target. In an open loop all times count from when a request should have been sent, so that a target
 * that holds up its clients is not excused for it (no coordinated omission).
 */
export async function runLoad(
  target: LoadTarget,
  requests: readonly LoadRequest[],
  { concurrency, warmUpMs = 0, signal, onProgress }: LoadOptions = {},
): Promise<LoadResult> {
  const latencies = new LatencyCounts();
  const errors: Record<string, number> = {};
  const done: (TrafficRequest & { readonly endMs: number })[] = []; // by index, with holes
  const stop = new AbortController();
  const ends = AbortSignal.any([stop.signal, ...(signal === undefined ? [] : [signal])]);
  const begin = performance.now();
  let ended = 0;

  const send = async (index: number, arrivalMs: number) => {
    const request = requests[index]!;
    const counts = arrivalMs >= warmUpMs;
    const sent = new SentTokens(begin + arrivalMs, counts ? latencies : undefined);
    const { prompt, completionTokens, maxTokens = completionTokens } = request;
    const known = { arrivalMs, promptTokens: prompt.length, maxTokens };
    try {
      const { cachedPromptTokens } = await target.send(request, (count) => sent.take(count), ends);
      if (counts) {
        const times = { ...sent.times(), ...(cachedPromptTokens !== undefined && { cachedPromptTokens }) };
        done[index] = { ...known, ...times, outcome: "length", endMs: arrivalMs + times.totalMs };
      }
    } catch (error) {
      ends.throwIfAborted();
      if (counts) {
        const code = errorCode(error);
        errors[code] = (errors[code] ?? 0) + 1;
        done[index] = { ...known, outcome: "failed", endMs: performance.now() - begin };
      }
    }
    ended += 1;
    onProgress?.(ended, requests.length);
  };

  try {
    if (concurrency === undefined) await openLoop(requests, send, begin, ends);
    else await closedLoop(requests, send, begin, concurrency);
  } finally {
    stop.abort();
  }
  const counted = done.filter(() => true); // without the holes
  const begun = counted.reduce(
    (first, { arrivalMs }) => Math.min(first, arrivalMs),
    Number.POSITIVE_INFINITY,
  );
  const end = counted.reduce((latest, { endMs }) => Math.max(latest, endMs), 0);
  return {
    requests: counted.map(({ endMs: _, ...request }) => request),
    interTokenLatencies: latencies,
    durationMs: counted.length === 0 ? 0 : end - begun,
    generatedTokens: counted.reduce((sum, { completionTokens = 0 }) => sum + completionTokens, 0),
    errors,
  };
}

type Send = (index: number, arrivalMs: number) => Promise<void>;

async function openLoop(
  requests: readonly LoadRequest[],
  send: Send,
  begin: number,
  signal: AbortSignal,
): Promise<void> {
  const running: Promise<void>[] = [];
  for (const [index, request] of requests.entries()) {
    const wait = begin + request.arrivalMs - performance.now();
    // Timers fire up to a millisecond late, and never early.
    if (wait > 0) await sleep(wait, signal);
    const sent = send(index, request.arrivalMs);
    // Rejects only when the run ends, which is then told by whatever is awaited.
    sent.catch(() => {});
    running.push(sent);
  }
  await Promise.all(running);
}

async function closedLoop(
  requests: readonly LoadRequest[],
  send: Send,
  begin: number,
  concurrency: number,
): Promise<void> {
  let next = 0;
  const client = async () => {
    while (next < requests.length) await send(next++, performance.now() - begin);
  };
  await Promise.all(Array.from({ length: concurrency }, client));
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", fail);
      resolve();
    }, ms);
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}

function errorCode(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (typeof code === "string") return code;
  return error instanceof Error ? error.name : "error";
}

/** When the tokens of an answer came. */
class SentTokens {
  readonly #due: number;
  readonly #latencies: LatencyCounts | undefined;
  #first: number | undefined;
  #last: number;
  #tokens = 0;

  constructor(due: number, latencies: LatencyCounts | undefined) {
    this.#due = due;
    this.#last = due;
    this.#latencies = latencies;
  }

  take(count: number): void {
    const now = performance.now();
    if (this.#first === undefined) this.#first = now;
    else this.#latencies?.add((now - this.#last) / count, count);
    this.#tokens += count;
    this.#last = now;
  }

  times() {
    const [first, last] = [this.#first, this.#last];
    return {
      completionTokens: this.#tokens,
      totalMs: last - this.#due,
      ...(first !== undefined && { timeToFirstTokenMs: first - this.#due }),
      ...(first !== undefined && this.#tokens > 1 && { interTokenMs: (last - first) / (this.#tokens - 1) }),
    };
  }
}
