import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { LLM } from "@trtllm-node/runtime";
import { instrument } from "@trtllm-node/telemetry/opentelemetry";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { modelPath } from "./support/model.ts";

const llm = await LLM.load(modelPath());
afterAll(() => llm.dispose());

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const spans = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const tracer = tracerProvider.getTracer("test");
const points = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: points, exportIntervalMillis: 2 ** 30 });
const meter = new MeterProvider({ readers: [reader] }).getMeter("test");

let end = () => {};
beforeEach(() => {
  spans.reset();
  end = instrument(llm, { model: "my-model", tracer, meter });
});
afterEach(() => end());

const milliseconds = ([seconds, nanoseconds]: [number, number]) => seconds * 1000 + nanoseconds / 1e6;
const named = (name: string) => spans.getFinishedSpans().find((span) => span.name === name) as ReadableSpan;
const secret = "The capital of France";

describe("OpenTelemetry", () => {
  it("makes a span of a request within the caller's, with its phases", async () => {
    const outer = tracer.startSpan("outer");
    const { usage, timings, text } = await context.with(trace.setSpan(context.active(), outer), () =>
      llm.generate(`${secret} is`, { maxTokens: 4, temperature: 0, stop: ["\n\n\n"], seed: 7 }),
    );
    const span = named("text_completion my-model");
    expect(span.parentSpanContext?.spanId).toBe(outer.spanContext().spanId);
    expect(span.attributes).toEqual({
      "gen_ai.operation.name": "text_completion",
      "gen_ai.provider.name": "llama_cpp",
      "gen_ai.request.model": "my-model",
      "gen_ai.response.model": llm.engine.name,
      "gen_ai.request.temperature": 0,
      "gen_ai.request.max_tokens": 4,
      "gen_ai.request.seed": 7,
      "gen_ai.request.stop_sequences": ["\n\n\n"],
      "gen_ai.output.type": "text",
      "gen_ai.response.finish_reasons": ["length"],
      "gen_ai.usage.input_tokens": usage.promptTokens,
      "gen_ai.usage.output_tokens": 4,
      "gen_ai.usage.cache_read.input_tokens": usage.cachedPromptTokens,
      "gen_ai.response.time_to_first_chunk": timings.timeToFirstTokenMs! / 1000,
    });
    const phases = ["queue", "prefill", "decode"].map(named);
    for (const phase of phases) expect(phase.parentSpanContext?.spanId).toBe(span.spanContext().spanId);
    const [queue, prefill, decode] = phases.map(({ duration }) => milliseconds(duration));
    expect(queue! + prefill!).toBeCloseTo(timings.timeToFirstTokenMs!, 1);
    expect(queue! + prefill! + decode!).toBeCloseTo(timings.totalMs, 1);
    expect(milliseconds(span.duration)).toBeGreaterThan(timings.totalMs - 0.01);

    // No text leaves the process.
    const told = JSON.stringify(
      spans
        .getFinishedSpans()
        .map(({ name, attributes, events, status }) => [name, attributes, events, status]),
    );
    expect(told).not.toContain(secret);
    expect(told).not.toContain(text.trim());
  });

  it("writes prompts and answers only where it is asked to", async () => {
    end();
    end = instrument(llm, { model: "my-model", tracer, meter, captureContent: true });
    const chat = await llm.chat([{ role: "user", content: `${secret}?` }], { maxTokens: 3 }).result;
    const { attributes } = named("chat my-model");
    expect(JSON.parse(String(attributes["gen_ai.input.messages"]))).toEqual([
      { role: "user", parts: [{ type: "text", content: `${secret}?` }] },
    ]);
    expect(JSON.parse(String(attributes["gen_ai.output.messages"]))).toEqual([
      { role: "assistant", parts: [{ type: "text", content: chat.text }] },
    ]);
    await llm.generate(`${secret} is`, { maxTokens: 2 });
    expect(named("text_completion my-model").attributes["gen_ai.input.messages"]).toContain(`${secret} is`);
  });

  it("tells refused, failed and unwanted requests apart, without their messages", async () => {
    expect(() => llm.stream(secret, { maxTokens: 1e6 })).toThrow();
    const refused = named("text_completion my-model");
    expect(refused.attributes["error.type"]).toBe("ERR_PROMPT_TOO_LONG");
    expect(refused.status).toEqual({ code: SpanStatusCode.ERROR });

    spans.reset();
    const controller = new AbortController();
    const stream = llm.stream(secret, { signal: controller.signal });
    controller.abort();
    await expect(stream.result).rejects.toThrow();
    const aborted = named("text_completion my-model");
    expect(aborted.attributes["error.type"]).toBeUndefined();
    expect(aborted.attributes["gen_ai.response.finish_reasons"]).toEqual(["aborted"]);
  });

  it("counts and times requests under the conventions' names", async () => {
    await llm.generate("Once upon a time", { maxTokens: 3 });
    await reader.forceFlush();
    const metrics = points
      .getMetrics()
      .at(-1)!
      .scopeMetrics.flatMap((scope) => scope.metrics);
    const units = Object.fromEntries(metrics.map(({ descriptor }) => [descriptor.name, descriptor.unit]));
    expect(units).toEqual({
      "gen_ai.server.request.duration": "s",
      "gen_ai.server.time_to_first_token": "s",
      "gen_ai.server.time_per_output_token": "s",
      "gen_ai.client.token.usage": "{token}",
    });
    const usage = metrics.find(({ descriptor }) => descriptor.name === "gen_ai.client.token.usage")!;
    const types = new Set(usage.dataPoints.map(({ attributes }) => attributes["gen_ai.token.type"]));
    expect(types).toEqual(new Set(["input", "output"]));
    const duration = metrics.find(({ descriptor }) => descriptor.name === "gen_ai.server.request.duration")!;
    const errors = duration.dataPoints.map(({ attributes }) => attributes["error.type"]);
    expect(errors).toContain("ERR_PROMPT_TOO_LONG");
    expect(errors).toContain(undefined);
  });

  it("ends when it is told to", async () => {
    end();
    await llm.generate("Hello", { maxTokens: 1 });
    expect(spans.getFinishedSpans()).toEqual([]);
  });
});
