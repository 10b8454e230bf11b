import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decimalNumber, wholeNumber } from "./number-arguments.ts";

describe("wholeNumber", () => {
  it("reads back every whole number in range", () => {
    const parse = wholeNumber({ min: -1000, max: 1000 });
    fc.assert(
      fc.property(fc.integer({ min: -1000, max: 1000 }), (value) => {
        expect(parse(String(value))).toBe(value);
      }),
    );
  });

  it.each(["", " ", "3.5", "1e3", "0x10", "5 ", "five", "NaN", "9007199254740993"])("refuses %j", (text) => {
    expect(() => wholeNumber({ min: 0 })(text)).toThrow("Expected a whole number of at least 0.");
  });

  it("says the range when a number is outside it", () => {
    expect(() => wholeNumber({ min: 1, max: 8 })("9")).toThrow("Expected a whole number from 1 to 8.");
  });
});

describe("decimalNumber", () => {
  it("reads back every finite number in range", () => {
    const parse = decimalNumber({ min: 0, max: 1 });
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (value) => {
        expect(parse(String(value))).toBe(value);
      }),
    );
  });

  it.each(["0.7", ".7", "7.", "7e-1"])("accepts %j", (text) => {
    expect(decimalNumber({ min: 0 })(text)).toBe(Number(text));
  });

  it.each(["", ".", "1,5", "Infinity", "NaN", "0.5x"])("refuses %j", (text) => {
    expect(() => decimalNumber({ min: 0 })(text)).toThrow("Expected a number of at least 0.");
  });
});
