import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadTokenizer, type Tokenizer } from "@trtllm-node/runtime";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { difficult, difficultText } from "./support/difficult-text.ts";
import { HuggingFace } from "./support/hugging-face.ts";
import { twentyPrompts } from "./support/prompts.ts";

const python = new HuggingFace();
afterAll(() => python[Symbol.asyncDispose]());

const folder = fileURLToPath(new URL("../.cache/tokenizers", import.meta.url));
/** Fetched by set-up from packages that carry them. */
const published = ["llama3_1", "qwen3", "gemma3", "llama2"];
const corpus = [...twentyPrompts, ...difficult].flatMap((text) => Array.from({ length: 5 }, () => text));
const long = ["a", " ", "\n", "word ", "日本", "1", "é", "!", "👩🏽‍🚀"].map((text) => text.repeat(2000));

async function load(name: string): Promise<Tokenizer> {
  const directory = await mkdtemp(join(tmpdir(), "family-"));
  try {
    if (published.includes(name)) {
      await cp(join(folder, name), directory, { recursive: true });
      await python.load(name, join(directory, "tokenizer.json"));
    } else {
      await writeFile(join(directory, "tokenizer.json"), await python.train(name, corpus));
    }
    return await loadTokenizer({
      engine: { path: directory, name, vocabularySize: 1_000_000 },
      vocabulary: undefined,
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}

function decode(tokenizer: Tokenizer, tokens: readonly number[]): string {
  const decoder = tokenizer.createDecoder();
  return tokens.map((token) => decoder.push([token])).join("") + decoder.flush();
}

/** In the order of test/reference/training.py. */
const trained = [
  ...[
    "gpt-2",
    "gpt-2 with a prefix space",
    "llama-3",
    "qwen",
    "tekken",
    "phi-2",
    "phi-4",
    "gpt-oss",
    "smollm2",
  ],
  ...["deepseek", "falcon", "llama-2", "mistral", "phi-3", "gemma", "t5", "bert", "bert cased"],
];

test("every tokenizer that can be trained is compared", async () => {
  expect(await python.families()).toEqual(trained);
});

describe.each([...trained, ...published])("%s", async (name) => {
  const tokenizer = await load(name);
  // Stands for what the vocabulary lacks, and so for no structure.
  const unknown = ["<unk>", "[UNK]"]
    .map((text) => tokenizer.encode(text, { addSpecial: false, parseSpecial: true }))
    .find(({ length }) => length === 1)?.[0];
  const isStructure = (id: number) => id !== unknown && tokenizer.isSpecial(id);

  test.each([
    { addSpecial: true, parseSpecial: true },
    { addSpecial: false, parseSpecial: false },
  ])("has the tokens and the text that Hugging Face has: %o", async ({ addSpecial, parseSpecial }) => {
    const check = async (texts: readonly string[]) => {
      const expected = await python.encode(name, texts, addSpecial, parseSpecial);
      const decoded = await python.decode(name, expected);
      texts.forEach((text, index) => {
        const ids = [...tokenizer.encode(text, { addSpecial, parseSpecial })];
        // The letters of a special token never become that token here, though it is a piece of a Unigram vocabulary.
        if (!parseSpecial && expected[index]!.some(isStructure)) {
          expect(ids.some(isStructure)).toBe(false);
          return;
        }
        expect([text, ids]).toEqual([text, expected[index]]);
        // An answer continues its prompt, so the space that begins a text is kept here.
        expect([decoded[index], ` ${decoded[index]}`]).toContain(decode(tokenizer, ids));
      });
    };
    await check([...difficult, ...long, ...twentyPrompts, ""]);
    // What a character is differs between versions of Unicode, and so between those of Node and of Python.
    const checkAssigned = async (texts: string[]) => check(await python.assigned(texts));
    await fc.assert(
      fc.asyncProperty(fc.array(difficultText, { minLength: 40, maxLength: 40 }), checkAssigned),
      {
        numRuns: 10,
      },
    );
  });

  test("takes half of a surrogate pair for U+FFFD", () => {
    const options = { addSpecial: true, parseSpecial: true };
    expect(tokenizer.encode("a\uD83Db", options)).toEqual(tokenizer.encode("a\uFFFDb", options));
  });
});
