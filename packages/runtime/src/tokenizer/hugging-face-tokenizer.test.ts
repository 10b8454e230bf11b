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
    { tokenizer: byteLevelTokenizerJson(), config, endIds: [], ...overrides },
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
