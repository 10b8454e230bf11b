import fc from "fast-check";
import { expect, test } from "vitest";
import { randomNumbers } from "../random.ts";
import { fitStepTime, fittedStepTime, type MeasuredStep } from "./fitted-step-time.ts";
import { fitNonNegative } from "./least-squares.ts";

test("coefficients that made the values are found again", () => {
  const coefficient = fc.double({ min: 0, max: 100, noNaN: true });
  fc.assert(
    fc.property(fc.tuple(coefficient, coefficient, coefficient), fc.nat(), (truth, seed) => {
      fc.pre(truth[0] > 0.01);
      const uniform = randomNumbers(seed);
      const rows = Array.from({ length: 40 }, () => [1 + uniform(), uniform(), uniform()]);
      const values = rows.map((row) => row.reduce((sum, x, i) => sum + x * truth[i]!, 0));
      for (const [i, found] of fitNonNegative(rows, values).entries()) {
        expect(found).toBeCloseTo(truth[i]!, 2);
      }
    }),
    { numRuns: 50 },
  );
});

test("what would be negative is 0, and a slow step in ten changes little", () => {
  const rows = Array.from({ length: 50 }, (_, i) => [1, i / 50]);
  const falling = fitNonNegative(
    rows,
    rows.map(([, x]) => 10 - x!),
  );
  expect(falling[1]).toBe(0);
  const values = rows.map(([, x], i) => (5 + 20 * x!) * (i % 10 === 3 ? 8 : 1));
  const [base, slope] = fitNonNegative(rows, values);
  expect(base).toBeCloseTo(5, 0);
  expect(slope! / 20).toBeGreaterThan(0.95);
  expect(slope! / 20).toBeLessThan(1.05);
});

const step = (part: Partial<MeasuredStep>): MeasuredStep => ({
  contextParts: 0,
  contextTokens: 0,
  contextPairs: 0,
  generating: 0,
  kvTokens: 0,
  ms: 0,
  ...part,
});

test("a batch size between two that were measured lies on the line between them", () => {
  const steps = Array.from({ length: 60 }, (_, index) => {
    const generating = [1, 4, 8][index % 3]!;
    const kvTokens = 100 * (index + 1);
    return step({ generating, kvTokens, ms: [5, 10, 12][index % 3]! + 0.001 * kvTokens });
  });
  const model = fitStepTime(steps);
  expect(model.batches).toEqual([1, 4, 8]);
  expect(model.error.p90).toBeLessThan(0.001);
  const time = fittedStepTime(model, true);
  expect(time.ms(step({ generating: 6, kvTokens: 1000 }))).toBeCloseTo(12, 2);
  expect(time.ms(step({ generating: 16, kvTokens: 1000 }))).toBeCloseTo(17, 2);
});
