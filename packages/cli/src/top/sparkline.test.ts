import fc from "fast-check";
import { expect, test } from "vitest";
import { gauge, sparkline } from "./sparkline.ts";

test("A sparkline has a bar for each of the last values, the highest for the highest, gaps for none.", () => {
  expect(sparkline([0, 1, null, 7, 3.5], 4)).toBe("▂ █▅");
  expect(sparkline([], 8)).toBe("");
  expect(sparkline([0, 0], 8)).toBe("▁▁");
  const values = fc.array(fc.option(fc.double({ min: 0, max: 1e9, noNaN: true })), { maxLength: 30 });
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 20 }), (list, width) => {
      const shown = list.slice(-width);
      const bars = [...sparkline(list, width)];
      expect(bars).toHaveLength(shown.length);
      const highest = Math.max(...shown.map((value) => value ?? 0));
      shown.forEach((value, index) => {
        expect(bars[index] === " ").toBe(value === null);
        if (value !== null && value > 0 && value === highest) expect(bars[index]).toBe("█");
      });
    }),
  );
});

test("A gauge is as full as what it shows, and never overflows.", () => {
  expect(gauge(0.5, 4)).toBe("[██░░]");
  expect([gauge(-1, 2), gauge(2, 2)]).toEqual(["[░░]", "[██]"]);
});
