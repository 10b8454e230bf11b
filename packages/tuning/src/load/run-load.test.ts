import { expect, test } from "vitest";
import { withArrivals } from "./arrivals.ts";
import { loadRequests } from "./load-request.ts";
import { summarizeLoad } from "./load-summary.ts";
import type { LoadTarget } from "./load-target.ts";
import { runLoad } from "./run-load.ts";

const traffic = (count: number, gapMs = 0) =>
  Array.from({ length: count }, (_, index) => ({
    arrivalMs: index * gapMs,
    promptTokens: 10 + index,
    completionTokens: 3,
  }));
const requests = (count: number, gapMs = 0) => loadRequests(traffic(count, gapMs), { vocabularySize: 5000 });

/** Gives its tokens when it is told to. */
class HeldTarget implements LoadTarget {
  readonly name = "held";
  running = 0;
  most = 0;
  readonly sent: number[] = [];
  #release: (() => void)[] = [];

  async send(request: { prompt: Int32Array; completionTokens: number }, onTokens: (count: number) => void) {
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    this.sent.push(request.prompt.length);
    await new Promise<void>((resolve) => this.#release.push(resolve));
    for (let token = 0; token < request.completionTokens; token += 1) onTokens(1);
    this.running -= 1;
    return { cachedPromptTokens: 4 };
  }

  releaseAll(): void {
    const waiting = this.#release;
    this.#release = [];
    for (const release of waiting) release();
  }
}

test("a closed loop has so many requests at once, each followed by the next", async () => {
  const target = new HeldTarget();
  const result = runLoad(target, requests(7), {
    concurrency: 3,
    onProgress: () => queueMicrotask(() => target.releaseAll()),
  });
  target.releaseAll();
  const { requests: ended, generatedTokens } = await result;
  expect(target.most).toBe(3);
  expect(ended).toHaveLength(7);
  expect(generatedTokens).toBe(21);
  expect(ended[0]).toMatchObject({
    promptTokens: 10,
    completionTokens: 3,
    cachedPromptTokens: 4,
    outcome: "length",
  });
});

test("an open loop sends at the arrival times, and counts from them even where the target holds it up", async () => {
  const target: LoadTarget = {
    name: "blocking",
    async send(_, onTokens) {
      const end = performance.now() + 30;
      while (performance.now() < end); // nobody else is sent meanwhile
      onTokens(1);
      return {};
    },
  };
  const { requests: ended } = await runLoad(target, requests(4, 1));
  expect(ended.map(({ arrivalMs }) => arrivalMs)).toEqual([0, 1, 2, 3]);
  // The fourth waited for three others, though it was sent only after them.
  expect(ended[3]!.timeToFirstTokenMs).toBeGreaterThanOrEqual(4 * 30 - 3);
});

test("failures are counted by code, and what begins in the warm-up is not", async () => {
  const target: LoadTarget = {
    name: "failing",
    async send({ prompt }, onTokens) {
      if (prompt.length % 2 === 1) throw Object.assign(new Error("full"), { code: "ERR_QUEUE_FULL" });
      onTokens(3);
      return {};
    },
  };
  const result = await runLoad(target, requests(6, 2), { warmUpMs: 3 });
  expect(result.errors).toEqual({ ERR_QUEUE_FULL: 2 });
  const summary = summarizeLoad(result, { totalMs: 10_000 });
  expect(summary).toMatchObject({ requests: 4, failed: 2 });
  expect(summary.goodput!.share.value).toBe(0.5);
  expect(summary.goodput!.share.low).toBeGreaterThan(0.1);
});

test("aborting ends the run and what it sent", async () => {
  const controller = new AbortController();
  let aborted = 0;
  const target: LoadTarget = {
    name: "endless",
    send: (_, __, signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => {
          aborted += 1;
          reject(signal.reason);
        }),
      ),
  };
  const run = runLoad(target, requests(5, 100_000), { signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(run).rejects.toThrow("enough");
  expect(aborted).toBe(1);
});

test("equal prefix blocks become equal tokens, and nothing else does", () => {
  const shared = {
    arrivalMs: 0,
    promptTokens: 20,
    completionTokens: 1,
    blockTokens: 8,
    prefixBlocks: [5, 6],
  };
  const [a, b, c] = loadRequests([shared, shared, { ...shared, prefixBlocks: [5, 7] }], {
    vocabularySize: 50_000,
  });
  expect(a!.prompt.subarray(0, 16)).toEqual(b!.prompt.subarray(0, 16));
  expect(a!.prompt.subarray(16)).not.toEqual(b!.prompt.subarray(16));
  expect(c!.prompt.subarray(0, 8)).toEqual(a!.prompt.subarray(0, 8));
  expect(c!.prompt.subarray(8, 16)).not.toEqual(a!.prompt.subarray(8, 16));
  expect(() => loadRequests([{ arrivalMs: 0 }], { vocabularySize: 5000 })).toThrow(/not known/);
});

test("arrivals have the rate and the burstiness that are asked", () => {
  const many = requests(20_000);
  for (const squaredVariation of [0, 1, 4]) {
    const times = withArrivals(many, { rate: 50, squaredVariation }).map(({ arrivalMs }) => arrivalMs);
    const gaps = times.slice(1).map((time, index) => time - times[index]!);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(mean).toBeGreaterThan(19);
    expect(mean).toBeLessThan(21);
    expect(Math.abs(variance / mean ** 2 - squaredVariation)).toBeLessThan(0.15 * squaredVariation + 1e-9);
  }
});
