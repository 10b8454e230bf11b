import { AbortedError } from "@trtllm-node/core";
import { expect, test } from "vitest";
import { byteLevelTokenizerJson } from "../../test/tokenizer-json.ts";
import { TokenizerError } from "../errors.ts";
import { HuggingFaceTokenizer } from "./hugging-face-tokenizer.ts";
import type { TokenizerJson } from "./tokenizer-files.ts";

const options = { addSpecial: true, parseSpecial: true };
const long = "The cat sat on thé mat. ".repeat(5000);

function create(tokenizer: TokenizerJson = byteLevelTokenizerJson()) {
  const json = new TextEncoder().encode(JSON.stringify(tokenizer));
  return new HuggingFaceTokenizer({ tokenizer, json, config: {}, endIds: [] });
}

test("long texts have the tokens that they have on the event loop, and keep their order", async () => {
  const tokenizer = create();
  const texts = [long, `${long}</s>`, "<s>", ""];
  const encoded = await Promise.all(texts.map((text) => tokenizer.encodeAsync(text, options)));
  expect(encoded).toEqual(texts.map((text) => tokenizer.encode(text, options)));
});

test("the event loop turns while a long text is encoded", async () => {
  const tokenizer = create();
  let turns = 0;
  let done = false;
  const encoding = tokenizer.encodeAsync(long.repeat(10), options).finally(() => {
    done = true;
  });
  while (!done) {
    await new Promise(setImmediate);
    turns++;
  }
  await encoding;
  expect(turns).toBeGreaterThan(10);
});

test("an aborted signal rejects at once, and the thread goes on with the next text", async () => {
  const tokenizer = create();
  const controller = new AbortController();
  const running = tokenizer.encodeAsync(long, options, controller.signal);
  const waiting = tokenizer.encodeAsync(long, options, controller.signal);
  const next = tokenizer.encodeAsync("a", options);
  controller.abort(new Error("changed my mind"));
  for (const encoding of [running, waiting]) {
    await expect(encoding).rejects.toBeInstanceOf(AbortedError);
    await expect(encoding).rejects.toMatchObject({ cause: new Error("changed my mind") });
  }
  expect(await next).toEqual(tokenizer.encode("a", options));
  await expect(tokenizer.encodeAsync("a", options, AbortSignal.abort())).rejects.toBeInstanceOf(AbortedError);
});

test("a pattern that backtracks for ever ends in a TokenizerError, and the thread goes on", async () => {
  const pattern = { Regex: "(a+)+$" };
  const tokenizer = create({
    ...byteLevelTokenizerJson(),
    pre_tokenizer: { type: "Split", pattern, behavior: "Isolated" },
  });
  const hostile = tokenizer.encodeAsync(`${"a".repeat(100)}b`, options);
  await expect(hostile).rejects.toBeInstanceOf(TokenizerError);
  await expect(hostile).rejects.toThrow("did not end");
  expect(await tokenizer.encodeAsync("b", options)).toEqual(tokenizer.encode("b", options));
});
