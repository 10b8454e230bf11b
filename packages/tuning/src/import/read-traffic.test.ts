import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TrafficError } from "../errors.ts";
import { writeMooncakeTrace } from "../traffic/write-mooncake.ts";
import { readTraffic } from "./read-traffic.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "traffic-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string) {
  const path = join(folder, "file");
  await writeFile(path, text);
  return readTraffic([path]);
}

test("Azure's trace", async () => {
  const text =
    "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:04.0319600,396,109\r\n2023-11-16 18:17:03.9799600,4808,10\r\n";
  expect(await read(text)).toEqual([
    { arrivalMs: Date.UTC(2023, 10, 16, 18, 17, 3) + 979.96, promptTokens: 4808, completionTokens: 10 },
    { arrivalMs: Date.UTC(2023, 10, 16, 18, 17, 4) + 31.96, promptTokens: 396, completionTokens: 109 },
  ]);
  expect(
    await read("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,2162,5\n"),
  ).toEqual([{ arrivalMs: Date.UTC(2024, 4, 10) + 9.93, promptTokens: 2162, completionTokens: 5 }]);
});

test("BurstGPT's trace, where an answer of no tokens failed", async () => {
  const text =
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n45,ChatGPT,1087,0,1087,API log\n";
  expect(await read(text)).toEqual([
    { arrivalMs: 5000, promptTokens: 472, completionTokens: 18 },
    { arrivalMs: 45_000, promptTokens: 1087, completionTokens: 0, outcome: "failed" },
  ]);
});

test("logged answers of OpenAI's API, plain and of a batch", async () => {
  const answer = {
    id: "chatcmpl-1",
    created: 1_700_000_000,
    choices: [{ index: 0, finish_reason: "length" }],
    usage: { prompt_tokens: 9, completion_tokens: 12, prompt_tokens_details: { cached_tokens: 4 } },
  };
  const expected = {
    arrivalMs: 1_700_000_000_000,
    promptTokens: 9,
    completionTokens: 12,
    cachedPromptTokens: 4,
    outcome: "length",
  };
  expect(await read(JSON.stringify(answer))).toEqual([expected]);
  expect(await read(JSON.stringify({ custom_id: "a", response: { body: answer } }))).toEqual([expected]);
});

test("access logs tell when and how, of requests for text", async () => {
  const line = (target: string, status: number) =>
    `10.0.0.1 - - [24/Nov/2026:14:00:0${status % 10} +0100] "POST ${target} HTTP/1.1" ${status} 512 "-" "curl/8"`;
  const text = [
    line("/v1/chat/completions", 200),
    line("/v1/models", 200),
    line("/v1/completions", 429),
  ].join("\n");
  expect(await read(text)).toEqual([
    { arrivalMs: Date.UTC(2026, 10, 24, 13, 0, 0) },
    { arrivalMs: Date.UTC(2026, 10, 24, 13, 0, 9), outcome: "refused" },
  ]);
});

test("a Mooncake trace is read back as it was written", async () => {
  const path = join(folder, "trace.jsonl");
  await writeMooncakeTrace(path, [
    { arrivalMs: 1000, promptTokens: 1100, completionTokens: 5, blockTokens: 512, prefixBlocks: [77, 78] },
    { arrivalMs: 1500, promptTokens: 600, completionTokens: 6, blockTokens: 256, prefixBlocks: [1, 77] },
  ]);
  expect(await readTraffic([path])).toEqual([
    { arrivalMs: 0, promptTokens: 1100, completionTokens: 5, blockTokens: 512, prefixBlocks: [0, 1] },
    { arrivalMs: 500, promptTokens: 600, completionTokens: 6, blockTokens: 512, prefixBlocks: [0] },
  ]);
  expect(Object.keys(JSON.parse((await readFile(path, "utf8")).split("\n")[0]!))).toEqual([
    "timestamp",
    "input_length",
    "output_length",
    "hash_ids",
  ]);
});

test.each([
  ["a file of no known kind", "hello\n", /known: recorded, mooncake, azure/],
  ["an empty file", "\n\n", /no request/],
  [
    "a recorded line with a typing mistake",
    '{"arrivalMs":1,"promptToken":2}',
    /line 1.*did you mean "promptTokens"/,
  ],
  ["a recorded line that was cut off", '{"arrivalMs":1}\n{"arrival', /line 2 is no JSON/],
  [
    "a missing cell",
    "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,1",
    /line 2 has 2 cells, expected 3/,
  ],
  [
    "a date that is none",
    "TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,1,2",
    /line 2: TIMESTAMP is "yesterday"/,
  ],
  ["a negative length", '{"timestamp":0,"input_length":-1,"output_length":1}', /input_length is -1/],
])("%s is refused by its line", async (_, text, message) => {
  await expect(read(text)).rejects.toThrow(TrafficError);
  await expect(read(text)).rejects.toThrow(message);
});

test("no file ends otherwise than with requests or a TrafficError", async () => {
  const begin = fc.constantFrom(
    '{"arrivalMs":',
    '{"timestamp":0,"input_length":',
    "TIMESTAMP,ContextTokens,GeneratedTokens\n",
    "Timestamp,Request tokens,Response tokens\n",
    '{"usage":',
    '1.2.3.4 - - [24/Nov/2026:14:00:00 +0100] "POST ',
    "",
  );
  const piece = fc.oneof(fc.string(), fc.constantFrom("{}", "[]", "null", "\n", ",", "1", '"'));
  await fc.assert(
    fc.asyncProperty(begin, fc.array(piece, { maxLength: 8 }), async (first, rest) => {
      await read(first + rest.join("")).catch((error: unknown) => expect(error).toBeInstanceOf(TrafficError));
    }),
    { numRuns: 300 },
  );
});

test("a file that is not there is a TrafficError", async () => {
  await expect(readTraffic([join(folder, "none")])).rejects.toThrow(/cannot be read.*ENOENT/);
});
