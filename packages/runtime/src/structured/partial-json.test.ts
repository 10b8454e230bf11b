import fc from "fast-check";
import { expect, test } from "vitest";
import { parsePartialJson } from "./partial-json.ts";

/** Whether `part` may be an earlier state of `whole`: strings and lists that go on, keys and values still to come. */
function mayBecome(part: unknown, whole: unknown): boolean {
  if (typeof part === "string") return typeof whole === "string" && whole.startsWith(part);
  if (Array.isArray(part)) {
    return Array.isArray(whole) && part.every((item, index) => mayBecome(item, whole[index]));
  }
  if (typeof part !== "object" || part === null) return Object.is(part, whole);
  return Object.entries(part).every(([key, value]) =>
    mayBecome(value, (whole as Record<string, unknown>)[key]),
  );
}

const json = fc
  .jsonValue({ stringUnit: "grapheme" })
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
/** ASCII only, as some models write. */
const escaped = (text: string) =>
  text.replace(/[^\0-~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

test("every beginning of a JSON text gives an earlier state of its value", () => {
  fc.assert(
    fc.property(json, fc.constantFrom(undefined, 2), fc.boolean(), (value, indent, ascii) => {
      const text = ascii ? escaped(JSON.stringify(value, null, indent)) : JSON.stringify(value, null, indent);
      for (let end = 0; end <= text.length; end++) {
        const part = parsePartialJson(text.slice(0, end));
        if (part !== undefined)
          expect([text.slice(0, end), mayBecome(part, value)]).toEqual([text.slice(0, end), true]);
      }
      expect(parsePartialJson(`${text} `)).toEqual(value);
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["", undefined],
  ["{", {}],
  ['{"na', {}],
  ['{"name"', {}],
  ['{"name": "A', { name: "A" }],
  ['{"name": "Ada", "born": 18', { name: "Ada" }],
  ['{"name": "Ada", "born": 1815}', { name: "Ada", born: 1815 }],
  ['["a\\', ["a"]],
  ['["a\\u00', ["a"]],
  ['["a\\ud83d', ["a"]],
  ['["a\\ud83d\\ude00', ["a😀"]],
  ["[[1, 2], [tru", [[1, 2], []]],
])("%s", (text, value) => {
  expect(parsePartialJson(text)).toEqual(value);
});
