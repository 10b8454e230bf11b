import fc from "fast-check";
import { expect, test } from "vitest";
import { anyText, cut, loneSurrogate } from "../../test/any-text.ts";
import { bytesOf } from "../../test/byte-vocabulary.ts";
import { WindowDecoder } from "./window-decoder.ts";

/** Decodes lists of pieces; drops the space that begins a text, as SentencePiece decoders do. */
function decoderOf(pieces: readonly Uint8Array[]): WindowDecoder {
  const all = [...pieces, bytesOf("a")];
  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  return new WindowDecoder(
    (tokens) => utf8.decode(Uint8Array.from(tokens.flatMap((token) => [...all[token]!]))).replace(/^ /, ""),
    (token) => all[token] !== undefined,
    [pieces.length],
  );
}

test("text comes out whole where a token is a character or one byte of it", () => {
  fc.assert(
    fc.property(anyText, fc.infiniteStream(fc.boolean()), fc.array(fc.nat()), (text, wholes, chunkCuts) => {
      const pieces = [...text].flatMap((character) => {
        const bytes = bytesOf(character);
        return wholes.next().value ? [bytes] : [...bytes].map((byte) => Uint8Array.of(byte));
      });
      const decoder = decoderOf(pieces);
      const chunks = cut([...pieces.keys()], chunkCuts).map((tokens) => decoder.push(tokens));
      expect(chunks.join("") + decoder.flush()).toBe(text);
      for (const chunk of chunks) expect(chunk).not.toMatch(loneSurrogate);
    }),
    { numRuns: 1000 },
  );
});

test("a space that begins the answer is kept, for the answer continues the prompt", () => {
  const decoder = decoderOf([bytesOf(" Paris"), bytesOf(" is")]);
  expect(decoder.push([0])).toBe(" Paris");
  expect(decoder.push([1])).toBe(" is");
});

test("broken bytes come out as U+FFFD and do not hold back what follows", () => {
  const decoder = decoderOf([Uint8Array.of(0xe2), Uint8Array.of(0x82), Uint8Array.of(0xac), bytesOf("!")]);
  expect(decoder.push([0, 0])).toBe("\uFFFD");
  expect(decoder.push([1, 0, 1])).toBe("\uFFFD");
  expect(decoder.push([2])).toBe("€");
  expect(decoder.push([1, 3])).toBe("\uFFFD!");
  expect(decoder.push([0])).toBe("");
  expect(decoder.flush()).toBe("\uFFFD");
  expect(decoder.flush()).toBe("");
});
