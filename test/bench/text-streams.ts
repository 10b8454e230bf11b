/** What text costs over the executor's tokens, with 32 requests streaming at once: npm run bench:runtime */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Executor } from "@trtllm-node/core";
import { LLM, loadTokenizer } from "@trtllm-node/runtime";
import Table from "cli-table3";
import { modelPath } from "../support/model.ts";

const [requests, promptTokens, maxTokens, rounds] = [32, 32, 64, 3];

const executor = await Executor.create(modelPath("Q4_0"), {
  maxBatchSize: requests,
  maxNumTokens: 512,
  kvCache: { enableBlockReuse: false },
  embedded: { maxSequenceTokens: 256 },
});
await using llm = new LLM(executor, await loadTokenizer(executor));
const options = { maxTokens, minTokens: maxTokens };
const prompts = Array.from({ length: requests }, (_, request) =>
  Int32Array.from({ length: promptTokens }, (_, index) => 100 + request * 97 + index * 13),
);

async function tokens(prompt: Int32Array): Promise<number> {
  const { minTokens } = options;
  const [endId] = llm.tokenizer.endIds;
  let count = 0;
  for await (const chunk of executor.submit({ tokens: prompt, maxTokens, endId, sampling: { minTokens } })) {
    count += chunk.tokens.length;
  }
  return count;
}

async function text(prompt: Int32Array): Promise<number> {
  const stream = llm.stream(prompt, { ...options, stop: ["\n\n\n\n\n\n", "</answer>"] });
  let length = 0;
  for await (const chunk of stream) length += chunk.text.length;
  if (length === 0) throw new Error("No text was streamed.");
  return (await stream.result).usage.completionTokens;
}

async function measure(stream: (prompt: Int32Array) => Promise<number>) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  const counts = await Promise.all(prompts.map(stream));
  const seconds = (performance.now() - start) / 1000;
  delay.disable();
  return {
    rate: counts.reduce((sum, count) => sum + count, 0) / seconds,
    delayMs: delay.percentile(99) / 1e6,
  };
}

await measure(tokens); // warms up
const measured = { tokens: [] as number[], text: [] as number[], delay: [] as number[] };
for (let round = 0; round < rounds; round++) {
  measured.tokens.push((await measure(tokens)).rate);
  const { rate, delayMs } = await measure(text);
  measured.text.push(rate);
  measured.delay.push(delayMs);
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const [own, streamed] = [median(measured.tokens), median(measured.text)];
const table = new Table({ head: [`${requests} requests, median of ${rounds} runs`, ""] });
table.push(
  ["the executor's tokens a second", own.toFixed(0)],
  ["streamed as text, tokens a second", streamed.toFixed(0)],
  ["ratio", (streamed / own).toFixed(3)],
  ["event-loop delay p99 while text streams, ms", median(measured.delay).toFixed(1)],
);
console.log(table.toString());
