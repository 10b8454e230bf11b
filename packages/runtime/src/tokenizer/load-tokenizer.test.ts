import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TrtllmError } from "@trtllm-node/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { byteVocabulary, CHATML, IM_END } from "../../test/byte-vocabulary.ts";
import { ScriptedExecutor } from "../../test/scripted-executor.ts";
import { byteLevelTokenizerJson } from "../../test/tokenizer-json.ts";
import { loadTokenizer } from "./load-tokenizer.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tokenizer-"));
});
afterEach(() => rm(directory, { recursive: true }));

const write = (name: string, value: unknown) =>
  writeFile(join(directory, name), typeof value === "string" ? value : JSON.stringify(value));

function engine(path = directory, vocabularySize = 300) {
  return new ScriptedExecutor({ chunks: [] }, { engine: { path, vocabularySize } });
}

test("tokenizer.json in the engine directory comes first, with its companion files", async () => {
  await write("tokenizer.json", byteLevelTokenizerJson());
  await write("tokenizer_config.json", { bos_token: "<s>", eos_token: "</s>", chat_template: "config" });
  await write("generation_config.json", { eos_token_id: [7, 8] });
  const tokenizer = await loadTokenizer(engine());
  expect(tokenizer).toMatchObject({ bosToken: "<s>", chatTemplate: "config" });
  expect(tokenizer.endIds.slice(1)).toEqual([7, 8]);
});

test("tokenizer.json alone is enough", async () => {
  await write("tokenizer.json", byteLevelTokenizerJson());
  expect(await loadTokenizer(engine())).toMatchObject({ endIds: [], bosToken: "", chatTemplate: undefined });
});

test("without a tokenizer.json the engine's own vocabulary is used", async () => {
  expect(await loadTokenizer(engine())).toMatchObject({ endIds: [IM_END], chatTemplate: CHATML });
});

test("chat_template.jinja replaces the template of either tokenizer", async () => {
  await write("chat_template.jinja", "mine");
  expect((await loadTokenizer(engine())).chatTemplate).toBe("mine");
  await write("tokenizer.json", byteLevelTokenizerJson());
  await write("tokenizer_config.json", { chat_template: "config" });
  expect((await loadTokenizer(engine())).chatTemplate).toBe("mine");
});

test("files beside an engine that is one file are not taken for its own", async () => {
  await write("tokenizer.json", "broken");
  await write("model.gguf", "");
  const tokenizer = await loadTokenizer(engine(join(directory, "model.gguf")));
  expect(tokenizer.endIds).toEqual([IM_END]);
});

test("an engine without any tokenizer says which files to add", async () => {
  const loading = loadTokenizer({ engine: engine().engine, vocabulary: undefined });
  await expect(loading).rejects.toMatchObject({ code: "ERR_TOKENIZER", name: "TokenizerError" });
  await expect(loading).rejects.toThrow("tokenizer.json");
  await expect(loading).rejects.toSatisfy(TrtllmError.isInstance);
});

test("a tokenizer larger than the engine's vocabulary is of another model", async () => {
  await write("tokenizer.json", byteLevelTokenizerJson());
  await expect(loadTokenizer(engine(directory, 100))).rejects.toThrow(/264 tokens.*100/);
});

test.each([
  ["tokenizer.json", "{"],
  ["tokenizer.json", "[]"],
  ["tokenizer.json", "null"],
  ["tokenizer.json", "{}"],
  ["tokenizer_config.json", "{"],
  ["generation_config.json", "5"],
])("a broken %s (%s) is a TokenizerError that names it", async (name, content) => {
  await write("tokenizer.json", byteLevelTokenizerJson());
  await write(name, content);
  const loading = loadTokenizer(engine());
  await expect(loading).rejects.toMatchObject({ code: "ERR_TOKENIZER" });
  await expect(loading).rejects.toThrow(name);
});

test("the vocabulary's primary end token comes first", async () => {
  const vocabulary = byteVocabulary({ endIds: [3, IM_END, 4] });
  const executor = new ScriptedExecutor({ chunks: [] }, { vocabulary, engine: { path: directory } });
  expect((await loadTokenizer(executor)).endIds).toEqual([IM_END, 3, 4]);
});
