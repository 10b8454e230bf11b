import { AbortedError } from "@trtllm-node/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOf } from "../../test/byte-vocabulary.ts";
import { type Script, ScriptedExecutor } from "../../test/scripted-executor.ts";
import { LLM } from "../llm.ts";
import { VocabularyTokenizer } from "../tokenizer/vocabulary-tokenizer.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import type { RequestRecord } from "./llm-metrics.ts";
import { percentiles } from "./percentiles.ts";

function create(script: Script) {
  const executor = new ScriptedExecutor(script);
  return new LLM(executor, new VocabularyTokenizer(executor.vocabulary!));
}

test("requests are counted by how they ended", async () => {
  const llm = create({ chunks: [[...bytesOf("abc")]], reusedBlocks: 1 });
  const records: RequestRecord[] = [];
  const end = llm.observe((record) => records.push(record));
  await llm.generate("0123456789");
  await llm.generate("0123456789", { stop: "b" });
  expect(() => llm.stream("")).toThrow();
  expect(() => llm.stream("a", { maxToken: 1 } as object)).toThrow();
  const endless = create({ chunks: [[97]], endless: true });
  const controller = new AbortController();
  const aborted = endless.stream("a", { signal: controller.signal });
  const cancelled = endless.stream("a");
  expect(endless.metrics().requests.active).toBe(2);
  controller.abort();
  cancelled.cancel();
  await Promise.allSettled([aborted.result, cancelled.result]);

  expect(llm.metrics().requests).toMatchObject({
    active: 0,
    refused: 1,
    ended: { end: 1, stop: 1, failed: 0 },
  });
  expect(llm.metrics().tokens).toEqual({ prompt: 20, cachedPrompt: 16, completion: 6 });
  expect(endless.metrics().requests).toMatchObject({ active: 0, ended: { cancelled: 1, aborted: 1 } });
  expect(records).toMatchObject([
    { outcome: "end", promptTokens: 10, cachedPromptTokens: 8, completionTokens: 3, timings: { queueMs: 1 } },
    { outcome: "stop" },
  ]);
  end();
  await llm.generate("a");
  expect(records).toHaveLength(2);
});

test("an aborted request tells its error and no times", async () => {
  const llm = create({ chunks: [], endless: true });
  const record = new Promise<RequestRecord>((resolve) => llm.observe(resolve));
  const controller = new AbortController();
  llm.stream("a", { signal: controller.signal });
  controller.abort();
  expect(await record).toMatchObject({
    outcome: "aborted",
    timings: undefined,
    error: expect.any(AbortedError),
  });
});

test("latencies are those of every request and token", async () => {
  const llm = create({ chunks: [[97, 98, 99]] });
  const { timings } = await llm.generate("a");
  expect(timings.interTokenPercentilesMs).toEqual({ p50: 2, p90: 4, p99: 4 });
  await llm.generate("a");
  const { queueMs, timeToFirstTokenMs, interTokenMs, totalMs } = llm.metrics();
  expect(queueMs).toMatchObject({ count: 2, mean: 1, p50: 1, max: 1 });
  expect(timeToFirstTokenMs).toMatchObject({ count: 2, mean: 2 });
  expect(interTokenMs).toMatchObject({ count: 4, mean: 3, min: 2, p50: 2, max: 4 });
  expect(totalMs.p99).toBeCloseTo(500, 0);
});

test("a histogram's percentiles are those of the values, to three digits", () => {
  const latency = fc.double({ min: 0.01, max: 200_000, noNaN: true });
  fc.assert(
    fc.property(fc.array(latency, { minLength: 1, maxLength: 300 }), (values) => {
      const histogram = new LatencyHistogram();
      for (const value of values) histogram.record(value);
      const summary = histogram.summary();
      const exact = percentiles(Float64Array.from(values))!;
      for (const name of ["p50", "p90", "p99"] as const) {
        expect(Math.abs(summary[name] - exact[name])).toBeLessThanOrEqual(0.002 * exact[name] + 0.001);
      }
      expect(summary).toMatchObject({
        count: values.length,
        min: Math.min(...values),
        max: Math.max(...values),
      });
    }),
  );
});

test("before the first request everything is 0", () => {
  const { queueMs, interTokenMs } = create({ chunks: [] }).metrics();
  expect(queueMs).toEqual({ count: 0, mean: 0, min: 0, max: 0, p50: 0, p90: 0, p99: 0 });
  expect(interTokenMs).toEqual(queueMs);
});
