/**
 * What telemetry costs: npm run bench:telemetry [-- --rounds N]
 * 32 requests at once, with Prometheus (scraped each second), OpenTelemetry spans and metrics, the live view, KV events
 * and request statistics, against the same without any. Both sides in turns, so that a machine that slows down favours
 * neither.
 */
import { parseArgs } from "node:util";
import {
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, BatchSpanProcessor, InMemorySpanExporter } from "@opentelemetry/sdk-trace-base";
import { Executor, type ExecutorOptions } from "@trtllm-node/core";
import { LLM, loadTokenizer } from "@trtllm-node/runtime";
import { LiveView, PrometheusMetrics } from "@trtllm-node/telemetry";
import { instrument } from "@trtllm-node/telemetry/opentelemetry";
import Table from "cli-table3";
import { modelPath } from "../support/model.ts";
import { syntheticEngine, syntheticLibrary } from "../support/synthetic.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const rounds = Number(values.rounds);
const requests = 32;
const bar = 0.98;

async function load(path: string, options: ExecutorOptions): Promise<LLM> {
  const executor = await Executor.create(path, { maxBatchSize: requests, ...options });
  return new LLM(executor, await loadTokenizer(executor));
}

/** @returns ends it */
function watch(llm: LLM): () => void {
  const metrics = new PrometheusMetrics({ m: llm });
  const view = new LiveView({ m: llm });
  const spans = new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor(new InMemorySpanExporter())],
  });
  const exporter = new InMemoryMetricExporter(1);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1000 });
  const meter = new MeterProvider({ readers: [reader] }).getMeter("bench");
  const end = instrument(llm, { tracer: spans.getTracer("bench"), meter });
  const scrape = setInterval(() => {
    void metrics.text();
    view.snapshot();
  }, 1000);
  return () => {
    clearInterval(scrape);
    end();
    view.close();
    metrics.close();
    void reader.shutdown();
  };
}

let series = 0;
/** Generated tokens a second. */
async function run(llm: LLM, maxTokens: number): Promise<{ rate: number }> {
  series += 1;
  const start = performance.now();
  const counts = await Promise.all(
    Array.from({ length: requests }, async (_, index) => {
      const tokens = Array.from(
        { length: 32 },
        (_, at) => 1000 + ((series * 7919 + index * 104_729 + at * 31) % 40_000),
      );
      const stream = llm.stream(tokens, { maxTokens, minTokens: maxTokens });
      for await (const _ of stream);
      return (await stream.result).usage.completionTokens;
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  return { rate: counts.reduce((sum, count) => sum + count, 0) / seconds };
}

const middle = (list: readonly number[]) => [...list].sort((a, b) => a - b)[list.length >> 1]!;
const table = new Table({
  head: ["executor", "without, tokens/s", "with, tokens/s", "ratio", "range", "bar"],
});
let missed = false;

async function compare(
  name: string,
  path: string,
  options: ExecutorOptions,
  maxTokens: number,
): Promise<void> {
  await using plain = await load(path, options);
  await using watched = await load(path, {
    ...options,
    requestStatsMaxIterations: 1,
    kvCache: { ...options.kvCache, eventBufferMaxSize: 10_000 },
  });
  const end = watch(watched);
  await run(plain, 4);
  await run(watched, 4);
  const pairs = [];
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0 ? plain : watched;
    const one = await run(first, maxTokens);
    const other = await run(first === plain ? watched : plain, maxTokens);
    pairs.push(first === plain ? { without: one, with: other } : { without: other, with: one });
  }
  end();
  const ratios = pairs.map((pair) => pair.with.rate / pair.without.rate);
  const met = middle(ratios) >= bar;
  missed ||= !met;
  table.push([
    name,
    middle(pairs.map((pair) => pair.without.rate)).toFixed(0),
    middle(pairs.map((pair) => pair.with.rate)).toFixed(0),
    middle(ratios).toFixed(3),
    `${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)}`,
    `≥ ${bar}: ${met ? "met" : "missed"}`,
  ]);
}

{
  using engine = syntheticEngine({
    tokensPerSecond: 20_000,
    vocabularySize: 50_000,
    maxSequenceTokens: 100_000,
  });
  await compare("synthetic, 20,000 tokens/s", engine.path, { libraryPath: syntheticLibrary }, 1000);
}
await compare(
  "llama.cpp, SmolLM2-135M Q4_0",
  modelPath("Q4_0"),
  { embedded: { maxSequenceTokens: 128 } },
  24,
);
console.log(table.toString());
if (missed) process.exitCode = 1;
