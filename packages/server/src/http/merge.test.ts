import fc from "fast-check";
import { expect, test } from "vitest";
import { merge } from "./merge.ts";

test("Every item of every source comes once, in the order of its source, whatever the sources wait for.", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.nat(5), { maxLength: 4 }), async (scheduler, lengths) => {
      const source = async function* (index: number, length: number) {
        for (let at = 0; at < length; at++) {
          await scheduler.schedule(Promise.resolve());
          yield { index, at };
        }
      };
      const merged: { index: number; at: number }[] = [];
      const reading = (async () => {
        for await (const item of merge(lengths.map((length, index) => source(index, length))))
          merged.push(item);
      })();
      await scheduler.waitFor(reading);
      lengths.forEach((length, index) => {
        const own = merged.filter((item) => item.index === index).map(({ at }) => at);
        expect(own).toEqual(Array.from({ length }, (_, at) => at));
      });
    }),
  );
});

test("It fails with the source that fails, after the items that were there.", async () => {
  async function* failing() {
    yield 1;
    throw new Error("broken");
  }
  const items: number[] = [];
  const reading = (async () => {
    for await (const item of merge([failing()])) items.push(item);
  })();
  await expect(reading).rejects.toThrow("broken");
  expect(items).toEqual([1]);
});
