import fc from "fast-check";
import { expect, test } from "vitest";
import { anyText, cut, loneSurrogate } from "../../test/any-text.ts";
import { bytesOf } from "../../test/byte-vocabulary.ts";
import { TokenDecoder, TokenTexts } from "./token-decoder.ts";

const decoderOf = (bytesOf: (token: number) => Uint8Array | undefined) =>
  new TokenDecoder(new TokenTexts(bytesOf));

test("text comes out whole however its bytes are cut into tokens and the tokens into chunks", () => {
  fc.assert(
    fc.property(anyText, fc.array(fc.nat()), fc.array(fc.nat()), (text, tokenCuts, chunkCuts) => {
      const pieces = cut([...bytesOf(text)], tokenCuts).map((bytes) => Uint8Array.from(bytes));
      const decoder = decoderOf((token) => pieces[token]);
      const chunks = cut([...pieces.keys()], chunkCuts).map((tokens) => decoder.push(tokens));
      expect(decoder.flush()).toBe("");
      expect(chunks.join("")).toBe(text);
      for (const chunk of chunks) expect(chunk).not.toMatch(loneSurrogate);
    }),
    { numRuns: 1000 },
  );
});

test("bytes that are no text decode to the same, however they are cut", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.array(fc.nat()), (bytes, cuts) => {
      const pieces = cut([...bytes], cuts).map((piece) => Uint8Array.from(piece));
      const decoder = decoderOf((token) => pieces[token]);
      const text = [...pieces.keys()].map((token) => decoder.push([token])).join("") + decoder.flush();
      expect(text).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
    }),
  );
});

test("a character that stays incomplete comes out as U+FFFD at the end, and not before", () => {
  const decoder = decoderOf((token) => Uint8Array.of(token));
  expect(decoder.push([0x61, 0xf0, 0x9f])).toBe("a");
  expect(decoder.flush()).toBe("\uFFFD");
});

test("tokens without text are skipped, even inside a character", () => {
  const decoder = decoderOf((token) => (token < 256 ? Uint8Array.of(token) : undefined));
  expect(decoder.push([0xc3, 300, 0xa9])).toBe("é");
});
