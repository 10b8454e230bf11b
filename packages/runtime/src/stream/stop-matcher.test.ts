import { InvalidRequestError } from "@trtllm-node/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cut } from "../../test/any-text.ts";
import { StopMatcher, stopStrings } from "./stop-matcher.ts";

const letters = fc.string({ unit: fc.constantFrom("a", "b", "😀"), maxLength: 24 });
const stops = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "😀"), minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 4,
});

/** The answer and the stop string by definition: character by character, until what there is ends with one. */
function reference(text: string, all: readonly string[]): { text: string; matched: string | undefined } {
  for (let end = 0; end <= text.length; end++) {
    const ending = all.filter((stop) => text.slice(0, end).endsWith(stop));
    const matched = ending.sort((a, b) => b.length - a.length)[0];
    if (matched !== undefined) return { text: text.slice(0, end - matched.length), matched };
  }
  return { text, matched: undefined };
}

test("the text ends before the stop string that is complete first, however it is cut", () => {
  fc.assert(
    fc.property(letters, stops, fc.array(fc.nat()), (text, all, cuts) => {
      const matcher = new StopMatcher(all);
      const pieces = cut([...text], cuts).map((characters) => matcher.push(characters.join("")));
      expect({ text: pieces.join("") + matcher.flush(), matched: matcher.matched }).toEqual(
        reference(text, all),
      );
    }),
    { numRuns: 2000 },
  );
});

test("text that begins no stop string is not held back", () => {
  const matcher = new StopMatcher(["\n\n", "END"]);
  expect(["a", "b\n", "c E", "N", "d", "\n"].map((text) => matcher.push(text))).toEqual([
    "a",
    "b",
    "\nc ",
    "",
    "ENd",
    "",
  ]);
  expect(matcher.flush()).toBe("\n");
});

test("stop strings are whole characters", () => {
  expect(stopStrings(undefined)).toEqual([]);
  expect(stopStrings("END")).toEqual(["END"]);
  expect(stopStrings(["a", "😀"])).toEqual(["a", "😀"]);
  for (const wrong of [[""], ["\uD83D"], [5], [null]]) {
    expect(() => stopStrings(wrong as string[])).toThrow(InvalidRequestError);
  }
});
