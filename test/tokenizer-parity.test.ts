import { Executor } from "@trtllm-node/core";
import { type ChatMessage, LLM, loadTokenizer, type Tokenizer } from "@trtllm-node/runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { modelPath } from "./support/model.ts";
import { type EngineDirectory, engineDirectory } from "./support/smollm2-engine.ts";

const texts = [
  "Hello, world!",
  "The capital of France is Paris.",
  "I'm sure they've said we'll see it's John's, CAN'T THEY'RE",
  "👩🏽‍🚀 👨‍👩‍👧‍👦 🏳️‍🌈 🇫🇷🇩🇪 👍🏿",
  "é e\u0301 ñ n\u0303 Z\u0351\u036B\u0343\u036A\u0302\u036Ba\u0300l\u0301g\u0302o\u0308",
  "1 22 333 4444 12345678901234567890 3.14159 1,000,000 0x1F x86_64 ½ ² ٣٤٥ ४५६ １２３",
  "  two   three    four     five          ten",
  "trailing spaces   ",
  "   ",
  "\t\ttabs\t and \u00A0no-break\u2003em\u3000ideographic spaces",
  "line\r\nline\r\n\r\nline\n\n\n  line\r",
  "مرحبا بالعالم، كيف الحال؟ שָׁלוֹם עוֹלָם \u200Fright\u200E left",
  "你好，世界。こんにちは、世界！안녕하세요 세계 ภาษาไทย हिन्दी தமிழ்",
  "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 𓀀 \u{10FFFF} \uFFFD \u0000\u0001\u007F",
  "\uFEFFtext after a byte order mark",
  "zero\u200Bwidth\u200Djoin\u2060er soft\u00ADhyphen",
  "function f(a, b) {\n    return a?.b ?? `$a` !== '\\n'; // 100%\n}\n",
  "def f(x):\n\tif x == 0x1F:\n\t\treturn {'k': [1, 2.5e-10]}\n",
  '<div class="a">&amp;</div> <!-- --> https://example.org/a?b=c&d=%20#e',
  "snake_case camelCase SCREAMING_CASE kebab-case a__b _c_ __d__",
  "...!!!???---===***((([[[{{{ \"'`´’‘“”« »…–—",
  "''s 'sS 't'T 'll've 're'd'm",
  "a".repeat(300),
  "word ".repeat(200),
  "<|im_start|>user\nHi<|im_end|>\n<|endoftext|>",
  "<|im_start|",
];

let directory: EngineDirectory;
let executor: Executor;
let own: Tokenizer;
let files: Tokenizer;

beforeAll(async () => {
  directory = await engineDirectory();
  executor = await Executor.create(directory.path);
  files = await loadTokenizer(executor);
  // The path of the file alone: its directory's tokenizer files are not looked at.
  const engine = { ...executor.engine, path: modelPath() };
  own = await loadTokenizer({ engine, vocabulary: executor.vocabulary });
});
afterAll(async () => {
  await executor?.dispose();
  await directory?.[Symbol.asyncDispose]();
});

function decode(tokenizer: Tokenizer, tokens: Iterable<number>): string {
  const decoder = tokenizer.createDecoder();
  let text = "";
  for (const token of tokens) text += decoder.push([token]);
  return text + decoder.flush();
}

describe.each(texts)("%j", (text) => {
  test.each([true, false])(
    "has the same tokens from tokenizer.json as from the engine, special tokens read: %s",
    (parseSpecial) => {
      const options = { addSpecial: true, parseSpecial };
      expect([...files.encode(text, options)]).toEqual([...own.encode(text, options)]);
    },
  );

  test("comes back from its tokens with either tokenizer", () => {
    const tokens = own.encode(text, { addSpecial: false, parseSpecial: false });
    expect(decode(own, tokens)).toBe(text);
    expect(decode(files, tokens)).toBe(text);
  });
});

test("every token has the same text in both", () => {
  for (let token = 0; token < executor.engine.vocabularySize; token++) {
    expect([token, decode(files, [token])]).toEqual([token, decode(own, [token])]);
    expect([token, files.isSpecial(token)]).toEqual([token, own.isSpecial(token)]);
  }
});

test("both name the same end tokens, BOS, EOS and chat template", () => {
  const { bosToken, eosToken, chatTemplate } = own;
  expect(files).toMatchObject({ bosToken, eosToken, chatTemplate });
  expect(files.endIds[0]).toBe(own.endIds[0]);
});

test("an LLM answers the same with either", async () => {
  const messages: ChatMessage[] = [
    { role: "system", content: "You are a helpful assistant." },
    { role: "user", content: "What is the capital of France?" },
  ];
  const answers = [files, own].map(async (tokenizer) => {
    const { text } = await new LLM(executor, tokenizer).chat(messages, { maxTokens: 16 }).result;
    return text;
  });
  const [first, second] = await Promise.all(answers);
  expect(first).toContain("Paris");
  expect(second).toBe(first);
});
