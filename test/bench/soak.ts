/**
 * npm run soak [-- --requests 1000] [--loads 10] [--model Q4_0] [--runner openvino]
 *
 * Loads an engine several times, and runs requests of random length through each, a fifth of them cancelled at a
 * random moment. Shows the memory of the process and of the GPU, and fails where a request did not end once, a KV
 * block stayed in use, or memory grew over the later half of the loads by more than a tenth of the engine.
 */
import { setTimeout as after } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Executor } from "@trtllm-node/core";
import Table from "cli-table3";
import { execa } from "execa";
import { modelPath, type Quantization } from "../support/model.ts";
import { openVinoEngine } from "../support/openvino.ts";
import { onGpu } from "./device.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "1000" },
    loads: { type: "string", default: "10" },
    model: { type: "string", default: "Q4_0" },
    runner: { type: "string", default: "llama.cpp" },
  },
});
const onOpenVino = values.runner === "openvino";
const path = (onOpenVino ? openVinoEngine : modelPath)(values.model as Quantization);
const loads = Number(values.loads);
const requestsPerLoad = Math.ceil(Number(values.requests) / loads);
const limits = { maxBatchSize: 16, maxSequenceTokens: 512 };

interface Memory {
  readonly process: number;
  /** Of this process's GPU; 0 without one. */
  readonly gpu: number;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

async function memory(): Promise<Memory> {
  global.gc?.();
  if (!onGpu) return { process: process.memoryUsage().rss, gpu: 0 };
  const { stdout } = await execa("nvidia-smi", ["--query-gpu=memory.used", "--format=csv,noheader,nounits"]);
  return { process: process.memoryUsage().rss, gpu: Number(stdout.split("\n")[0]) * 1024 * 1024 };
}

/** Numerical Recipes' generator: the same requests every time. */
let state = 1;
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

async function runRequest(executor: Executor): Promise<string> {
  const { vocabularySize } = executor.engine;
  const tokens = Array.from({ length: 1 + random(300) }, () => 1000 + random(vocabularySize - 1000));
  const stream = executor.submit({ tokens, maxTokens: 1 + random(48), logProbs: random(2) === 0 });
  if (random(5) === 0) void after(random(100)).then(() => stream.cancel());
  const { finishReason, tokens: answer } = await stream.result;
  if (finishReason === "length" && answer.length === 0) throw new Error("A request ended without a token");
  return finishReason;
}

async function runLoad(): Promise<{
  loaded: Memory;
  used: Memory;
  reasons: Map<string, number>;
  seconds: number;
}> {
  await using executor = await Executor.create(path, {
    maxBatchSize: limits.maxBatchSize,
    embedded: { maxSequenceTokens: limits.maxSequenceTokens },
  });
  const loaded = await memory();
  const start = performance.now();
  const ended = await Promise.all(Array.from({ length: requestsPerLoad }, () => runRequest(executor)));
  const seconds = (performance.now() - start) / 1000;
  const reasons = new Map<string, number>();
  for (const reason of ended) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const used = executor.iterationStats().at(-1)?.kvCacheStats?.usedNumBlocks;
  if (used !== 0) throw new Error(`${used} KV blocks are in use though every request has ended`);
  return { loaded, used: await memory(), reasons, seconds };
}

const table = new Table({
  head: [
    "load",
    "loaded: process",
    "GPU",
    "after its requests: process",
    "GPU",
    "freed: process",
    "GPU",
    "ended",
    "s",
  ],
  style: { head: [], border: [] },
});
const before = await memory();
const freed: Memory[] = [];
let engine = 0;
for (let load = 1; load <= loads; load++) {
  const { loaded, used, reasons, seconds } = await runLoad();
  const now = await memory();
  freed.push(now);
  engine = Math.max(engine, used.process - before.process, used.gpu - before.gpu);
  table.push([
    load,
    ...[loaded, used, now].flatMap(({ process, gpu }) => [megabytes(process), megabytes(gpu)]),
    [...reasons].map(([reason, count]) => `${count} ${reason}`).join(", "),
    seconds.toFixed(1),
  ]);
}
console.log(
  `Before: process ${megabytes(before.process)}, GPU ${megabytes(before.gpu)}\n${table.toString()}`,
);
const middle = freed[Math.floor(freed.length / 2)]!;
const last = freed.at(-1)!;
for (const kind of ["process", "gpu"] as const) {
  const grown = last[kind] - middle[kind];
  console.log(`${kind} memory grew by ${megabytes(grown)} over the later half of the loads`);
  if (grown > engine / 10) process.exitCode = 1;
}
