import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { modelPath } from "../../../test/support/model.ts";
import type { ExecutorOptions } from "./config.ts";
import type { TrtllmErrorCode } from "./errors.ts";
import { Executor } from "./executor.ts";
import type { ExecutorRequest } from "./executor-like.ts";

let folder: string;
let executor: Executor;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "trtllm-node-"));
  executor = await Executor.create(modelPath(), {
    kvCache: { maxTokens: 512 },
    embedded: { maxSequenceTokens: 1024 },
  });
});

afterAll(async () => {
  await executor.dispose();
  await rm(folder, { recursive: true });
});

async function truncatedModel(): Promise<string> {
  const path = join(folder, "truncated.gguf");
  const source = await open(modelPath());
  const { buffer } = await source.read(Buffer.alloc(1_000_000), 0, 1_000_000, 0);
  await source.close();
  await writeFile(path, buffer);
  return path;
}

test("A missing engine is told by its path.", async () => {
  const path = join(folder, "missing.gguf");
  await expect(Executor.create(path)).rejects.toMatchObject({ code: "ERR_ENGINE_NOT_FOUND", path });
  await expect(Executor.create(path)).rejects.toThrow(path);
});

test("A text file is no engine.", async () => {
  const path = join(folder, "notes.gguf");
  await writeFile(path, "This is not a model.");
  await expect(Executor.create(path)).rejects.toMatchObject({
    name: "EngineError",
    code: "ERR_ENGINE_CORRUPT",
  });
});

test("A truncated engine is told from a whole one.", async () => {
  const path = await truncatedModel();
  await expect(Executor.create(path)).rejects.toMatchObject({ code: "ERR_ENGINE_CORRUPT", path });
});

test("An unknown option is refused before anything is loaded.", async () => {
  const options = { maxBatchsize: 4 } as ExecutorOptions;
  await expect(Executor.create(modelPath(), options)).rejects.toMatchObject({ code: "ERR_INVALID_CONFIG" });
  await expect(Executor.create(modelPath(), options)).rejects.toThrow('did you mean "maxBatchSize"?');
});

test("A load that is aborted before it begins or on its way rejects with the signal's reason.", async () => {
  const aborted = Executor.create(modelPath(), { signal: AbortSignal.abort("never mind") });
  await expect(aborted).rejects.toMatchObject({ name: "AbortError", cause: "never mind" });
  const controller = new AbortController();
  const onProgress = () => controller.abort("seen enough");
  const cut = Executor.create(modelPath(), { signal: controller.signal, onProgress });
  await expect(cut).rejects.toMatchObject({ name: "AbortError", cause: "seen enough" });
});

test("What onProgress throws ends the load.", async () => {
  const failure = new Error("no screen");
  const onProgress = () => {
    throw failure;
  };
  await expect(Executor.create(modelPath(), { onProgress })).rejects.toBe(failure);
});

test("Progress rises to 1.", async () => {
  const fractions: number[] = [];
  const other = await Executor.create(modelPath(), { onProgress: (fraction) => fractions.push(fraction) });
  await other.dispose();
  expect(fractions.length).toBeGreaterThan(0);
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  expect(fractions.at(-1)).toBe(1);
});

test.each<[string, Partial<ExecutorRequest>, TrtllmErrorCode]>([
  ["an empty prompt", { tokens: [] }, "ERR_INVALID_REQUEST"],
  ["maxTokens 0", { maxTokens: 0 }, "ERR_INVALID_REQUEST"],
  ["maxTokens -1", { maxTokens: -1 }, "ERR_INVALID_REQUEST"],
  ["maxTokens 1.5", { maxTokens: 1.5 }, "ERR_INVALID_REQUEST"],
  ["temperature NaN", { sampling: { temperature: Number.NaN } }, "ERR_INVALID_REQUEST"],
  ["a token id outside the vocabulary", { tokens: [10_000_000] }, "ERR_INVALID_REQUEST"],
  ["a prompt longer than the context", { tokens: new Int32Array(10_000) }, "ERR_PROMPT_TOO_LONG"],
  ["a prompt larger than the KV pool", { tokens: new Int32Array(800) }, "ERR_KV_CACHE_FULL"],
])("A request with %s is refused, and the executor goes on.", async (_, bad, code) => {
  const request: ExecutorRequest = { tokens: [1, 2, 3], maxTokens: 2 };
  expect(() => executor.submit({ ...request, ...bad })).toThrow(expect.objectContaining({ code }));
  expect((await executor.submit(request).result).tokens).toHaveLength(2);
});

test("More requests than batch and queue hold are refused with QueueFullError.", async () => {
  await using small = await Executor.create(modelPath(), { maxBatchSize: 1, maxQueueSize: 2 });
  const submitAll = () => {
    for (let count = 0; count < 10; count++) small.submit({ tokens: [1, 2], maxTokens: 200 });
  };
  expect(submitAll).toThrow(expect.objectContaining({ code: "ERR_QUEUE_FULL" }));
});
