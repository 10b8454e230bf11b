import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePieces, EngineVocabulary } from "./vocabulary.ts";

const facts = { size: 3, bosId: 1, eosId: null, endIds: [2], addBos: true, chatTemplate: null };

function encodePieces(pieces: readonly (readonly [Uint8Array, boolean])[]): Buffer {
  const parts = pieces.map(([bytes, control]) => {
    const head = Buffer.alloc(3);
    head.writeUInt16LE(bytes.length);
    head[2] = control ? 1 : 0;
    return Buffer.concat([head, bytes]);
  });
  return Buffer.concat(parts);
}

test("Pieces come out as they were written, whatever bytes they hold.", () => {
  const piece = fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.boolean());
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const decoded = decodePieces(encodePieces(pieces));
      expect(decoded.map(({ bytes, control }) => [Uint8Array.from(bytes), control])).toEqual(pieces);
    }),
  );
});

test("Pieces are asked for once.", () => {
  let calls = 0;
  const vocabulary = new EngineVocabulary(facts, {
    tokenize: () => new Int32Array(),
    tokenizeAsync: async () => new Int32Array(),
    tokenPieces: () => {
      calls += 1;
      return encodePieces([[Uint8Array.of(104, 105), false]]);
    },
  });
  expect(vocabulary.pieces).toBe(vocabulary.pieces);
  expect(calls).toBe(1);
});

test("Text is given as well-formed UTF-8, with BOS and without special tokens by default.", () => {
  const seen: [string, number][] = [];
  const vocabulary = new EngineVocabulary(facts, {
    tokenize: (text, flags) => {
      seen.push([text.toString("hex"), flags]);
      return new Int32Array();
    },
    tokenizeAsync: async () => new Int32Array(),
    tokenPieces: () => Buffer.alloc(0),
  });
  vocabulary.tokenize("a\ud800");
  vocabulary.tokenize("b", { addSpecial: false, parseSpecial: true });
  expect(seen).toEqual([
    ["61efbfbd", 1],
    ["62", 2],
  ]);
});

test("What the engine lacks is undefined.", () => {
  const vocabulary = new EngineVocabulary(facts, {
    tokenize: () => new Int32Array(),
    tokenizeAsync: async () => new Int32Array(),
    tokenPieces: () => Buffer.alloc(0),
  });
  expect(vocabulary).toMatchObject({ bosId: 1, eosId: undefined, chatTemplate: undefined });
});
