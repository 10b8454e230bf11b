import fc from "fast-check";
import { expect, test } from "vitest";
import { randomNumbers } from "../random.ts";
import { describeArrivals } from "./arrivals.ts";
import { describeConcurrency } from "./concurrency.ts";
import { Survival } from "./kaplan-meier.ts";
import { distribution, quantile } from "./quantile.ts";
import { type PromptBlocks, reuseCurve } from "./reuse-curve.ts";

const exponential = (uniform: () => number, mean: number) => -mean * Math.log(1 - uniform());

test("a quantile's interval holds the true one in 95 of 100 samples, and too few samples have none", () => {
  const truth = -100 * Math.log(1 - 0.9);
  let held = 0;
  for (let seed = 0; seed < 400; seed += 1) {
    const uniform = randomNumbers(seed);
    const sample = Float64Array.from({ length: 300 }, () => exponential(uniform, 100)).sort();
    const { low, high } = quantile(sample, 0.9)!;
    if (low <= truth && truth <= high) held += 1;
  }
  expect(held).toBeGreaterThanOrEqual(0.93 * 400);
  expect(distribution(Array.from({ length: 99 }, (_, i) => i))).toMatchObject({ p50: {}, p90: undefined });
  expect(distribution([])).toBeUndefined();
});

test("without cut answers Kaplan and Meier's quantiles are the sample's", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(50), { minLength: 100, maxLength: 300 }),
      fc.constantFrom(0.5, 0.9),
      (values, q) => {
        const survival = new Survival(values.map((length) => ({ length, censored: false })));
        expect(survival.quantile(q)!.value).toBe(quantile(Float64Array.from(values).sort(), q)!.value);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        expect(survival.restrictedMean).toBeCloseTo(mean, 9);
      },
    ),
  );
});

test("lengths are recovered where 15 to 30 of 100 answers were cut off, and a plain quantile is not", () => {
  const truth = -200 * Math.log(0.5);
  let [held, plainHeld, cut] = [0, 0, 0];
  for (let seed = 0; seed < 200; seed += 1) {
    const uniform = randomNumbers(seed);
    const lifetimes = Array.from({ length: 400 }, () => {
      const [length, limit] = [exponential(uniform, 200), exponential(uniform, 700)];
      return { length: Math.min(length, limit), censored: limit < length };
    });
    const survival = new Survival(lifetimes);
    cut += survival.censored;
    const inside = ({ low, high }: { low: number; high: number }) => low <= truth && truth <= high;
    if (inside(survival.quantile(0.5)!)) held += 1;
    if (inside(quantile(Float64Array.from(lifetimes, ({ length }) => length).sort(), 0.5)!)) plainHeld += 1;
  }
  expect(cut / 200 / 400).toBeGreaterThan(0.15);
  expect(held).toBeGreaterThanOrEqual(0.93 * 200);
  expect(plainHeld).toBeLessThan(0.4 * 200);
});

test("what only cut answers would tell is not told", () => {
  const lifetimes = Array.from({ length: 100 }, (_, index) => ({
    length: 10 + (index % 5),
    censored: index % 5 === 4,
  }));
  const survival = new Survival(lifetimes);
  expect(survival.quantile(0.5)).toMatchObject({ value: 12 });
  expect(survival.quantile(0.9)).toBeUndefined();
  expect(survival.beyond(13)).toBeCloseTo(0.2);
  expect(survival.beyond(14)).toBeUndefined();
});

test("a steady beat, a Poisson process and bursts are told apart", () => {
  const steady = Array.from({ length: 1000 }, (_, index) => index * 100);
  expect(describeArrivals(steady)).toMatchObject({ rate: 10, squaredVariation: 0, peakRate: { second: 10 } });
  const uniform = randomNumbers(1);
  let now = 0;
  const poisson = Array.from({ length: 20_000 }, () => (now += exponential(uniform, 100)));
  const { squaredVariation, autocorrelation, rate } = describeArrivals(poisson)!;
  expect(rate).toBeCloseTo(10, 0);
  expect(squaredVariation).toBeCloseTo(1, 1);
  expect(Math.abs(autocorrelation)).toBeLessThan(0.03);
  const bursts = poisson.flatMap((at) => [at * 5, at * 5 + 1, at * 5 + 2, at * 5 + 3, at * 5 + 4]);
  expect(describeArrivals(bursts)!.squaredVariation).toBeGreaterThan(5);
  expect(describeArrivals([5])).toBeUndefined();
});

test("concurrency is weighted by time", () => {
  const intervals = [
    { from: 0, to: 100 },
    { from: 50, to: 60 },
    { from: 100, to: 200 },
  ];
  expect(describeConcurrency(intervals)).toEqual({
    mean: 1.05,
    max: 2,
    p50: 1,
    p90: 1,
    p99: 2,
    shares: [0, 0.95, 0.05],
  });
  expect(describeConcurrency([{ from: 3, to: 3 }])).toBeUndefined();
});

/** What an LRU cache of so many blocks finds, done as a cache does it. */
function cacheHits(prompts: readonly PromptBlocks[], blockTokens: number, capacity: number): number {
  const cache = new Map<number | object, true>(); // in order of use
  let hits = 0;
  const use = (block: number | object) => {
    cache.delete(block);
    cache.set(block, true);
    if (cache.size > capacity) cache.delete(cache.keys().next().value!);
  };
  for (const { blocks, completionTokens } of prompts) {
    for (const block of blocks) {
      if (!cache.has(block)) break;
      hits += 1;
    }
    for (const block of [...blocks].reverse()) use(block);
    for (let i = 0; i < Math.ceil(completionTokens / blockTokens); i += 1) use({});
  }
  return hits;
}

test("the reuse curve is what caches of each size find", () => {
  const blockTokens = 4;
  // A prompt is a walk from the root of a tree: its blocks are numbered by their paths.
  const prompt = fc.array(fc.nat(2), { minLength: 1, maxLength: 6 }).map((path): PromptBlocks => {
    const blocks = path.map((_, depth) =>
      path.slice(0, depth + 1).reduce((id, step) => id * 4 + step + 1, 0),
    );
    return { blocks, promptTokens: blocks.length * blockTokens + 1, completionTokens: path[0]! * 3 };
  });
  fc.assert(
    fc.property(fc.array(prompt, { minLength: 1, maxLength: 40 }), (prompts) => {
      const tokens = prompts.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
      const curve = reuseCurve(prompts, blockTokens);
      for (const point of curve.points) {
        const hits = cacheHits(prompts, blockTokens, point.tokens / blockTokens);
        expect(point.hitRate).toBeCloseTo((hits * blockTokens) / tokens, 9);
      }
      const endless = cacheHits(prompts, blockTokens, Number.POSITIVE_INFINITY);
      expect(curve.endless).toBeCloseTo((endless * blockTokens) / tokens, 9);
      expect(curve.points.at(-1)?.hitRate ?? 0).toBeCloseTo(curve.endless, 9);
    }),
  );
});
