import { LLM, type RequestRecord, type TextStream } from "@trtllm-node/runtime";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  type SyntheticEngine,
  syntheticEngine,
  syntheticLibrary,
  syntheticPrompt,
} from "./support/synthetic.ts";

// Its tokens are bytes: answer i to "...`" is the alphabet from its letter i on, i tokens shorter than asked for.
let engine: SyntheticEngine;
let llm: LLM;
let records: RequestRecord[] = [];

beforeAll(async () => {
  engine = syntheticEngine({ stepDelayMs: 1 });
  llm = await LLM.load(engine.path, { libraryPath: syntheticLibrary, maxBatchSize: 4, maxBeamWidth: 4 });
  llm.observe((record) => records.push(record));
});

afterEach(() => {
  records = [];
});

afterAll(async () => {
  await llm?.dispose();
  engine?.[Symbol.dispose]();
});

const prompt = [96];
const drawn = { temperature: 1, seed: 3 };

async function textOf(stream: TextStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk.text;
  return text;
}

test("Answers stream side by side, and each result is that of its stream, in whatever order they are read.", async () => {
  const streams = llm.streamSeveral(prompt, 3, { ...drawn, maxTokens: 6 });
  expect(await textOf(streams[2]!)).toBe("cdef");
  expect(await Promise.all([textOf(streams[0]!), textOf(streams[1]!)])).toEqual(["abcdef", "bcdef"]);
  const results = await Promise.all(streams.map(({ result }) => result));
  expect(results.map(({ text }) => text)).toEqual(["abcdef", "bcdef", "cdef"]);
  expect(results.map(({ finishReason }) => finishReason)).toEqual(["length", "end", "end"]);
  expect(records).toMatchObject([{ outcome: "length", promptTokens: 1, completionTokens: 15 }]);
});

test("A stop string ends its own answer, and the request when all have met theirs.", async () => {
  const streams = llm.streamSeveral(prompt, 2, { ...drawn, maxTokens: 100, stop: ["d", "zzz"] });
  const results = await Promise.all(streams.map(({ result }) => result));
  expect(results).toMatchObject([
    { text: "abc", finishReason: "stop", stopString: "d" },
    { text: "bc", finishReason: "stop", stopString: "d" },
  ]);
  expect(records).toMatchObject([{ outcome: "stop" }]);
  expect(records[0]!.completionTokens).toBeLessThan(150);
});

test("One that stops early does not end the other, and has no tokens from after that.", async () => {
  const streams = llm.streamSeveral(prompt, 2, { ...drawn, maxTokens: 20, stop: "ab" });
  const [first, second] = await Promise.all(streams.map(({ result }) => result));
  expect(first).toMatchObject({ text: "", finishReason: "stop" });
  expect(first!.tokens.length).toBeLessThan(20);
  expect(second).toMatchObject({ text: "bcdefghijklmnopqrst", finishReason: "end" });
});

test("A reader that leaves its answer leaves the others alone; the last one to leave cancels.", async () => {
  const [first, second] = llm.streamSeveral(prompt, 2, { ...drawn, maxTokens: 20 });
  for await (const _ of first!) break;
  expect(await textOf(second!)).toBe("bcdefghijklmnopqrst");
  expect(await first!.result).toMatchObject({ finishReason: "cancelled" });
  const both = llm.streamSeveral(prompt, 2, { ...drawn, maxTokens: 200 });
  for (const stream of both) stream.cancel();
  const left = await Promise.all(both.map(({ result }) => result));
  for (const { finishReason } of left) expect(finishReason).toBe("cancelled");
  expect(records[1]!.completionTokens).toBeLessThan(300);
});

test("An abort and an error reach the reader of every answer.", async () => {
  const controller = new AbortController();
  const aborted = llm.streamSeveral(prompt, 2, { ...drawn, maxTokens: 200, signal: controller.signal });
  const reading = aborted.map(textOf);
  controller.abort();
  for (const text of reading) await expect(text).rejects.toMatchObject({ code: "ERR_ABORTED" });
  const failing = llm.streamSeveral([syntheticPrompt.error], 2, { ...drawn, maxTokens: 9 });
  for (const stream of failing) {
    await expect(textOf(stream)).rejects.toMatchObject({ code: "ERR_EXECUTOR" });
    await expect(stream.result).rejects.toMatchObject({ code: "ERR_EXECUTOR" });
  }
});

test("More answers than run side by side are several requests, with one row of seeds.", async () => {
  const answers = await llm.generateSeveral(prompt, { ...drawn, n: 6, maxTokens: 4 });
  expect(answers.map(({ text }) => text)).toEqual(["abcd", "bcd", "cd", "d", "abcd", "bcd"]);
  expect(records).toHaveLength(2);
});

test("The best of several has the highest mean log-probability.", async () => {
  const [best] = await llm.generateSeveral(prompt, { ...drawn, n: 1, bestOf: 3, maxTokens: 4 });
  expect(best).toMatchObject({ text: "cd", logProbs: Float32Array.of(-1, -2), cumLogProb: -3 });
});

test("Beams come whole and best first; one answer is the best of them.", async () => {
  const answers = await llm.generateSeveral(prompt, { n: 2, beamWidth: 3, maxTokens: 4 });
  expect(answers).toMatchObject([
    { text: "abcd", cumLogProb: -10, logProbs: undefined },
    { text: "bcd", cumLogProb: -6 },
  ]);
  const stream = llm.stream(prompt, { beamWidth: 3, maxTokens: 4 });
  const chunks = [];
  for await (const { text } of stream) chunks.push(text);
  expect(chunks).toEqual(["abcd"]);
});

test.each([
  [{ n: 0, temperature: 1 }, "1 <= n <= bestOf"],
  [{ n: 2 }, "Without a temperature"],
  [{ n: 2, beamWidth: 3, bestOf: 3 }, "leave bestOf or beamWidth out"],
  [{ n: 4, beamWidth: 3 }, "returns its beams at most"],
  [{ n: 1, beamWidth: 9 }, "maxBeamWidth 4"],
])("Several answers by %j are refused.", async (options, message) => {
  await expect(llm.generateSeveral(prompt, options)).rejects.toThrow(message);
});
