/**
 * What text costs over tokens, with 32 requests streaming at once: npm run bench:runtime
 * The synthetic executor makes tokens at a set rate, so that only the way to the text is measured; then the same with
 * a real model, which shares the cores with it.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Executor } from "@trtllm-node/core";
import { LLM, loadTokenizer } from "@trtllm-node/runtime";
import Table from "cli-table3";
import { modelPath } from "../support/model.ts";
import { syntheticEngine, syntheticLibrary } from "../support/synthetic.ts";

const [requests, seconds] = [32, 3];

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

/** Tokens as the executor gives them, and the same as text. */
async function compare(executor: Executor, llm: LLM, prompt: (index: number) => number[], maxTokens: number) {
  // Every answer is as long as it may be, whatever the model wants to write.
  const badWords = llm.tokenizer.endIds.map((id) => [id]);
  let next = 0;
  const own = await measure(async () => {
    let count = 0;
    const request = { tokens: prompt(next++ % requests), maxTokens, sampling: { badWords } };
    for await (const chunk of executor.submit(request)) count += chunk.tokens.length;
    return count;
  });
  const text = await measure(async () => {
    const stream = llm.stream(prompt(next++ % requests), { maxTokens, badWords, stop: ["</answer>"] });
    let length = 0;
    for await (const chunk of stream) length += chunk.text.length;
    if (length === 0) throw new Error("No text was streamed.");
    return (await stream.result).usage.completionTokens;
  });
  return { own, text };
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
const show = (name: string | number, { own, text }: Awaited<ReturnType<typeof compare>>) =>
  table.push([
    name,
    own.rate.toFixed(0),
    text.rate.toFixed(0),
    (text.rate / own.rate).toFixed(3),
    `${own.cpuSeconds.toFixed(2)} ${text.cpuSeconds.toFixed(2)}`,
    text.delayMs.toFixed(1),
  ]);

for (const tokensPerSecond of [2000, 20_000, 100_000]) {
  using engine = syntheticEngine({ tokensPerSecond, vocabularySize: 50_000, maxSequenceTokens: 1_000_000 });
  const executor = await Executor.create(engine.path, {
    libraryPath: syntheticLibrary,
    maxBatchSize: requests,
  });
  await using llm = new LLM(executor, await loadTokenizer(executor));
  const maxTokens = Math.ceil((tokensPerSecond * seconds) / requests);
  show(tokensPerSecond, await compare(executor, llm, () => [1, 2, 3], maxTokens));
}

const executor = await Executor.create(modelPath("Q4_0"), {
  maxBatchSize: requests,
  kvCache: { enableBlockReuse: false }, // both compute their prompts
  embedded: { maxSequenceTokens: 128 },
});
await using llm = new LLM(executor, await loadTokenizer(executor));
const words = [
  ...llm.tokenizer.encode("Once upon a time there was", { addSpecial: true, parseSpecial: true }),
];
const prompt = (index: number) => [
  ...words,
  ...llm.tokenizer.encode(` ${index}`, { addSpecial: false, parseSpecial: false }),
];
await compare(executor, llm, prompt, 8); // warm
for (let round = 1; round <= 3; round++) {
  show(`SmolLM2-135M Q4_0, round ${round}`, await compare(executor, llm, prompt, 64));
}
console.log(table.toString());
