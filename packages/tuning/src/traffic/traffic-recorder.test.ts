import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RequestRecord } from "@trtllm-node/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readTraffic } from "../import/read-traffic.ts";
import { TrafficRecorder } from "./traffic-recorder.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "recorder-"));
});
afterEach(() => rm(folder, { recursive: true }));

function record(prompt: readonly number[], arrivalMs = 1000): RequestRecord {
  return {
    outcome: "end",
    arrivalMs,
    prompt,
    promptTokens: prompt.length,
    maxTokens: 50,
    cachedPromptTokens: 0,
    completionTokens: 3,
    timings: {
      queueMs: 1,
      timeToFirstTokenMs: 5,
      interTokenMs: 2,
      interTokenLatenciesMs: Float64Array.of(2, 2),
      totalMs: 9,
    },
    answers: [],
    error: undefined,
  };
}

const prompt = Array.from({ length: 200 }, (_, index) => 40_000 + index);

test("what is recorded is read again, with equal numbers for equal beginnings", async () => {
  const path = join(folder, "deeper", "traffic.jsonl");
  await using recorder = new TrafficRecorder(path);
  recorder.observer(record(prompt));
  recorder.observer(record([...prompt.slice(0, 130), 7], 2000));
  recorder.observer({
    ...record([1], 3000),
    outcome: "failed",
    timings: undefined,
    error: new Error("secret"),
  });
  await recorder.close();
  const [first, second, third] = await readTraffic([path]);
  expect(first).toEqual({
    arrivalMs: 1000,
    promptTokens: 200,
    maxTokens: 50,
    outcome: "end",
    cachedPromptTokens: 0,
    completionTokens: 3,
    queueMs: 1,
    timeToFirstTokenMs: 5,
    interTokenMs: 2,
    totalMs: 9,
    blockTokens: 64,
    prefixBlocks: [expect.any(Number), expect.any(Number), expect.any(Number)],
  });
  expect(second!.prefixBlocks).toEqual(first!.prefixBlocks!.slice(0, 2));
  expect(third).toMatchObject({ outcome: "failed", promptTokens: 1 });
  expect(recorder.counts).toEqual({ recorded: 3, dropped: 0 });
});

test("neither tokens nor errors' texts are in the file, and without the key its numbers tell nothing", async () => {
  const numbers = async (name: string, hashKey?: Uint8Array) => {
    const recorder = new TrafficRecorder(join(folder, name), { hashKey });
    recorder.observer(record(prompt));
    recorder.observer({
      ...record(prompt),
      outcome: "failed",
      timings: undefined,
      error: new Error("secret"),
    });
    await recorder.close();
    const text = await readFile(join(folder, name), "utf8");
    expect(text).not.toMatch(/secret|\b400\d\d\b/);
    return JSON.parse(text.split("\n")[0]!).prefixBlocks as number[];
  };
  expect(await numbers("a")).not.toEqual(await numbers("b"));
  const key = new Uint8Array(32).fill(1);
  expect(await numbers("c", key)).toEqual(await numbers("d", key));
});

test("files are rotated and the oldest deleted", async () => {
  const recorder = new TrafficRecorder(join(folder, "t.jsonl"), { maxFileBytes: 2000, maxFiles: 2 });
  for (let index = 0; index < 60; index += 1) recorder.observer(record([1], index));
  await recorder.close();
  const files = (await readdir(folder)).filter((name) => name.startsWith("t.jsonl"));
  expect(files.sort()).toEqual(["t.jsonl", "t.jsonl.1", "t.jsonl.2"]);
  const requests = await readTraffic(files.map((name) => join(folder, name)));
  expect(requests.at(-1)!.arrivalMs).toBe(59);
  expect(requests.length).toBeLessThan(60);
});

test("a disk that cannot be written ends the recording and nothing else", async () => {
  await writeFile(join(folder, "file"), "");
  const failed = new Promise<Error>((resolve) => {
    const recorder = new TrafficRecorder(folder, { onError: resolve }); // a folder is there
    recorder.observer(record([1]));
    recorder.observer(record([1]));
  });
  expect(await failed).toBeInstanceOf(Error);
});
