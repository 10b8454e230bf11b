/**
 * What text costs over tokens, with 32 requests streaming at once: npm run bench:runtime
 * The synthetic executor makes tokens at a set rate, so that only the way to the text is measured.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Executor } from "@trtllm-node/core";
import { LLM, loadTokenizer } from "@trtllm-node/runtime";
import Table from "cli-table3";
import { syntheticEngine, syntheticLibrary } from "../support/synthetic.ts";

const [requests, seconds] = [32, 3];
const tokens = [1, 2, 3];

async function measure(stream: () => Promise<number>) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const counts = await Promise.all(Array.from({ length: requests }, stream));
  const rate = counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - start) / 1000);
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  return { rate, cpuSeconds: (user + system) / 1e6, delayMs: delay.percentile(99) / 1e6 };
}

const table = new Table({
  head: [
    "executor, tokens/s",
    "tokens taken/s",
    "as text/s",
    "ratio",
    "CPU s, tokens and text",
    "event-loop delay p99, ms",
  ],
});
for (const tokensPerSecond of [2000, 20_000, 100_000]) {
  using engine = syntheticEngine({ tokensPerSecond, vocabularySize: 50_000, maxSequenceTokens: 1_000_000 });
  const executor = await Executor.create(engine.path, {
    libraryPath: syntheticLibrary,
    maxBatchSize: requests,
  });
  await using llm = new LLM(executor, await loadTokenizer(executor));
  const maxTokens = Math.ceil((tokensPerSecond * seconds) / requests);
  const own = await measure(async () => {
    let count = 0;
    for await (const chunk of executor.submit({ tokens, maxTokens })) count += chunk.tokens.length;
    return count;
  });
  const text = await measure(async () => {
    const stream = llm.stream(tokens, { maxTokens, stop: ["</answer>"] });
    let length = 0;
    for await (const chunk of stream) length += chunk.text.length;
    if (length === 0) throw new Error("No text was streamed.");
    return (await stream.result).usage.completionTokens;
  });
  table.push([
    tokensPerSecond,
    own.rate.toFixed(0),
    text.rate.toFixed(0),
    (text.rate / own.rate).toFixed(3),
    `${own.cpuSeconds.toFixed(2)} ${text.cpuSeconds.toFixed(2)}`,
    text.delayMs.toFixed(1),
  ]);
}
console.log(table.toString());
