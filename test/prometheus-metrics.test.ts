import { readFileSync } from "node:fs";
import { type GenerationResult, LLM } from "@trtllm-node/runtime";
import { PrometheusMetrics } from "@trtllm-node/telemetry";
import { afterAll, describe, expect, it } from "vitest";
import { modelPath } from "./support/model.ts";

const llm = await LLM.load(modelPath(), { maxBatchSize: 2, kvCache: { eventBufferMaxSize: 1000 } });
afterAll(() => llm.dispose());
const monitoring = new URL("../packages/telemetry/monitoring/", import.meta.url);

/** Samples by name and labels. */
async function samples(metrics: PrometheusMetrics): Promise<Map<string, number>> {
  const lines = (await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(" ")),
      Number(line.slice(line.lastIndexOf(" ") + 1)),
    ]),
  );
}

const labels = '{model_name="m"}';

describe("Prometheus metrics", () => {
  it("count what requests were and how they ended, errors by their code", async () => {
    const metrics = new PrometheusMetrics({ m: llm });
    const prompt = "one two three four five six seven eight nine ten ".repeat(8);
    const results: GenerationResult[] = [];
    for (let n = 0; n < 2; n++) results.push(await llm.generate(prompt, { maxTokens: 5 }));
    expect(() => llm.stream(prompt, { maxTokens: 1e6 })).toThrow();
    expect(() => llm.stream(prompt, { maxToken: 1 } as object)).toThrow();
    const controller = new AbortController();
    const aborted = llm.stream(prompt, { signal: controller.signal });
    controller.abort();
    await expect(aborted.result).rejects.toThrow();

    const values = await samples(metrics);
    const value = (name: string, more = "") => values.get(`trtllm_${name}{model_name="m"${more}}`);
    const sum = (count: (usage: GenerationResult["usage"]) => number) =>
      results.reduce((total, { usage }) => total + count(usage), 0);
    const asked = sum(({ promptTokens }) => promptTokens) + results[0]!.usage.promptTokens;
    expect(value("prompt_tokens_total")).toBe(asked);
    expect(value("prefix_cache_queries_total")).toBe(asked);
    expect(value("prefix_cache_hits_total")).toBe(sum(({ cachedPromptTokens }) => cachedPromptTokens));
    expect(value("prefix_cache_hits_total")).toBeGreaterThan(0);
    expect(value("generation_tokens_total")).toBe(10);
    expect(value("request_success_total", ',finished_reason="length"')).toBe(2);
    expect(value("request_success_total", ',finished_reason="abort"')).toBe(1);
    expect(value("request_error_total", ',code="ERR_PROMPT_TOO_LONG"')).toBe(1);
    expect(value("request_error_total", ',code="ERR_INVALID_REQUEST"')).toBe(1);
    expect(value("inter_token_latency_seconds_count")).toBe(8);
    const seconds = (name: string) => value(`${name}_sum`)!;
    expect(seconds("request_queue_time_seconds") + seconds("request_prefill_time_seconds")).toBeCloseTo(
      seconds("time_to_first_token_seconds"),
      6,
    );
    expect(seconds("time_to_first_token_seconds") + seconds("request_decode_time_seconds")).toBeCloseTo(
      seconds("e2e_request_latency_seconds"),
      6,
    );
    expect(value("iteration_latency_seconds_count")).toBeGreaterThanOrEqual(10);
    const { blocks, cached } = llm.kvCache.stats();
    expect(value("kv_cache_used_blocks")).toBe(blocks.used);
    expect(value("kv_cache_cached_blocks")).toBe(cached!.device);
    metrics.close();
    await llm.generate("more", { maxTokens: 1 });
    expect((await samples(metrics)).get(`trtllm_generation_tokens_total${labels}`)).toBe(10);
  });

  it("tell running and waiting requests apart, under Triton's names too", async () => {
    const metrics = new PrometheusMetrics({ m: llm }, { prefix: "vllm:" });
    const streams = Array.from({ length: 5 }, () => llm.stream("Count: 1, 2, 3,", { maxTokens: 400 }));
    await expect.poll(async () => (await samples(metrics)).get(`vllm:num_requests_waiting${labels}`)).toBe(3);
    const values = await samples(metrics);
    expect(values.get(`vllm:num_requests_running${labels}`)).toBe(2);
    expect(values.get(`vllm:batch_size${labels}`)).toBe(2);
    const triton = (type: string) =>
      values.get(`nv_trt_llm_request_metrics{model="m",version="1",request_type="${type}"}`);
    expect([triton("active"), triton("waiting"), triton("max")]).toEqual([2, 3, 2]);
    for (const stream of streams) stream.cancel();
    await Promise.all(streams.map(({ result }) => result));
    expect((await samples(metrics)).get(`vllm:batch_size${labels}`)).toBe(0);
    metrics.close();
  });

  it.each(["dashboard.json", "alerts.yml"])("have every name that %s asks for", async (file) => {
    const metrics = new PrometheusMetrics({ m: llm });
    const names = new Set(
      (await metrics.registry.getMetricsAsJSON()).flatMap(({ name, type }) =>
        String(type) === "histogram" ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
      ),
    );
    const text = readFileSync(new URL(file, monitoring), "utf8");
    const asked = new Set(text.match(/\btrtllm_\w+/g));
    expect(asked.size).toBeGreaterThan(5);
    expect([...asked].filter((name) => !names.has(name))).toEqual([]);
    metrics.close();
  });
});
