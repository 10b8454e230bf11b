import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText } from "../../test/any-text.ts";
import { byteLevelTokenizerJson, sentencePieceTokenizerJson } from "../../test/tokenizer-json.ts";
import { TokenizerError } from "../errors.ts";
import { HuggingFaceTokenizer } from "./hugging-face-tokenizer.ts";
import type { TokenizerFiles } from "./tokenizer-files.ts";

const plain = { addSpecial: false, parseSpecial: false };
const config = { bos_token: "<s>", eos_token: { content: "</s>" } };

function create(overrides: Partial<TokenizerFiles> = {}, chatTemplate?: string) {
  return new HuggingFaceTokenizer(
    { tokenizer: byteLevelTokenizerJson(), json: new Uint8Array(), config, endIds: [], ...overrides },
    chatTemplate,
  );
}

function decode(tokenizer: HuggingFaceTokenizer, tokens: Iterable<number>): string {
  const decoder = tokenizer.createDecoder();
  let text = "";
  for (const token of tokens) text += decoder.push([token]);
  return text + decoder.flush();
}

describe.each([
  ["byte-level", byteLevelTokenizerJson()],
  ["SentencePiece", sentencePieceTokenizerJson()],
])("a %s tokenizer", (_, json) => {
  const tokenizer = create({ tokenizer: json });

  test("gives back any text", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        // SentencePiece writes a space as "▁".
        fc.pre(json.decoder?.type === "ByteLevel" || !text.includes("▁"));
        expect(decode(tokenizer, tokenizer.encode(text, plain))).toBe(text);
      }),
    );
  });

  test("reads a special token in a text only where asked to", () => {
    const id = tokenizer.encode("</s>", { addSpecial: false, parseSpecial: true });
    expect([...id].map((token) => tokenizer.isSpecial(token))).toEqual([true]);
    const letters = tokenizer.encode("a</s>b", plain);
    expect([...letters].some((token) => tokenizer.isSpecial(token))).toBe(false);
    expect(decode(tokenizer, letters)).toBe("a</s>b");
  });

  test("gives special tokens and tokens outside the vocabulary no text", () => {
    const tokens = tokenizer.encode("a</s>b", { addSpecial: false, parseSpecial: true });
    expect(decode(tokenizer, [...tokens, 999_999])).toBe("ab");
  });

  test("puts BOS in front where asked to, in both ways of reading", () => {
    const [bos] = tokenizer.encode("<s>", { addSpecial: false, parseSpecial: true });
    for (const parseSpecial of [true, false]) {
      const bare = tokenizer.encode("ab", { addSpecial: false, parseSpecial });
      expect(tokenizer.encode("ab", { addSpecial: true, parseSpecial })).toEqual(
        Int32Array.of(bos!, ...bare),
      );
    }
  });
});

test("an added token that is not special is text", () => {
  const tokenizer = create();
  const tokens = tokenizer.encode("a<think>b", plain);
  expect(tokens).toHaveLength(3);
  expect(decode(tokenizer, tokens)).toBe("a<think>b");
});

test("a space that begins the answer is kept, for the answer continues the prompt", () => {
  const tokenizer = create({ tokenizer: sentencePieceTokenizerJson() });
  expect(decode(tokenizer, tokenizer.encode(" a b", plain))).toBe(" a b");
});

test("the end token of the tokenizer comes before those of the generation config", () => {
  const eos = create().endIds[0]!;
  expect(create({ endIds: [5, eos, 6] }).endIds).toEqual([eos, 5, 6]);
  expect(create({ endIds: [5], config: {} }).endIds).toEqual([5]);
});

test("BOS and EOS may be texts or objects, or missing", () => {
  expect(create()).toMatchObject({ bosToken: "<s>", eosToken: "</s>" });
  expect(create({ config: { bos_token: null } })).toMatchObject({ bosToken: "", eosToken: "" });
});

test("the chat template is the given one, else the config's, else its default one", () => {
  const named = [
    { name: "tool_use", template: "tools" },
    { name: "default", template: "default" },
  ];
  expect(create({ config: { chat_template: "config" } }, "file").chatTemplate).toBe("file");
  expect(create({ config: { chat_template: "config" } }).chatTemplate).toBe("config");
  expect(create({ config: { chat_template: named } }).chatTemplate).toBe("default");
  expect(create().chatTemplate).toBeUndefined();
});

test("a tokenizer of an unknown kind is a TokenizerError", () => {
  const tokenizer = { ...byteLevelTokenizerJson(), decoder: { type: "Morse" } };
  expect(() => create({ tokenizer })).toThrow(TokenizerError);
  expect(() => create({ tokenizer })).toThrow("Morse");
});

describe("a tokenizer.json of a stranger", () => {
  const hostile = (parts: object) => create({ tokenizer: { ...byteLevelTokenizerJson(), ...parts } });
  const split = (Regex: string) => ({
    type: "Split",
    pattern: { Regex },
    behavior: "Isolated",
    invert: false,
  });
  const replace = (pattern: object, content: string) => ({ type: "Replace", pattern, content });
  const nested = (depth: number) => {
    let json: object = split("a");
    for (let i = 0; i < depth; i++) json = { type: "Sequence", pretokenizers: [json] };
    return json;
  };

  test.each([
    ["that backtracks for ever", { pre_tokenizer: split("(a+)+$") }],
    ["that grows the text", { normalizer: replace({ String: "a" }, "b".repeat(1_000_000)) }],
    [
      "that doubles the text again and again",
      { normalizer: { type: "Sequence", normalizers: Array(60).fill(replace({ String: "a" }, "aa")) } },
    ],
  ])("%s ends in a TokenizerError when it encodes", (_, parts) => {
    expect(() => hostile(parts).encode(`${"a".repeat(1000)}b`, plain)).toThrow(
      /cannot encode .*(did not end within|its normalizer makes|Invalid string length)/,
    );
  });

  test.each([
    ["with parts nested too deep", { pre_tokenizer: nested(100_000) }],
    ["with no pattern at all", { pre_tokenizer: { type: "Split" } }],
    ["with a broken pattern", { pre_tokenizer: split("(") }],
    ["with tokens that are none", { added_tokens: [null] }],
    ["without a model", { model: null }],
    ["with an id out of this world", { model: { type: "BPE", vocab: { a: 4e9 }, merges: [] } }],
    [
      "with a compiled normalization cut off",
      { normalizer: { type: "Precompiled", precompiled_charsmap: "AA" } },
    ],
  ])("%s is refused", (_, parts) => {
    expect(() => hostile(parts)).toThrow(TokenizerError);
  });

  test("may have tokens named like prototypes", () => {
    const json = byteLevelTokenizerJson();
    const names = ["__proto__", "constructor", "toString"];
    const added = names.map((content, index) => ({ id: 300 + index, content, special: false }));
    const tokenizer = create({ tokenizer: { ...json, added_tokens: [...json.added_tokens, ...added] } });
    const tokens = tokenizer.encode(names.join(" "), plain);
    expect(tokens).toHaveLength(5);
    expect(decode(tokenizer, tokens)).toBe(names.join(" "));
  });
});
