/** Streams one answer, then eight at once, and shows what each cost. */
import { Executor } from "@trtllm-node/core";
import { LLM, loadTokenizer } from "@trtllm-node/runtime";
import { modelPath } from "../test/support/model.ts";
import { Arrivals } from "./demo/arrivals.ts";
import { prompts } from "./demo/prompts.ts";
import { resultTable, summary } from "./demo/report.ts";

const maxTokens = 64;

// The executor is made here, not by LLM.load, to read its iteration statistics.
const executor = await Executor.create(modelPath("Q4_0"), { maxBatchSize: prompts.length });
await using llm = new LLM(executor, await loadTokenizer(executor));
const { name, parameterCount, kvBlocks, tokensPerBlock } = llm.engine;
console.log(
  `${name}: ${(parameterCount / 1e6).toFixed(0)} million parameters, ${kvBlocks} KV blocks of ${tokensPerBlock} tokens\n`,
);

const question = "Why is the sky blue?";
console.log(`One request: ${question}\n`);
const answer = llm.chat([{ role: "user", content: question }], { maxTokens });
for await (const text of answer.textStream) process.stdout.write(text);
const { timings } = await answer.result;
console.log(
  `\n\nFirst token after ${timings.timeToFirstTokenMs?.toFixed(0)} ms, ${timings.tokensPerSecond.toFixed(0)} tokens/s\n`,
);

console.log(`${prompts.length} requests at once, ${maxTokens} tokens each:\n`);
executor.iterationStats(); // those of the first request
const arrivals = new Arrivals(prompts.length);
const start = performance.now();
const results = await Promise.all(
  prompts.map(async (prompt, index) => {
    const stream = llm.stream(prompt, { maxTokens, minTokens: maxTokens });
    for await (const { tokens } of stream) arrivals.add(index, tokens.length);
    return stream.result;
  }),
);
const seconds = (performance.now() - start) / 1000;
arrivals.print();

const peakKvBlocks = Math.max(
  ...executor.iterationStats().map(({ kvCacheStats }) => kvCacheStats?.usedNumBlocks ?? 0),
);
console.log(`\n${resultTable(results)}\n${summary(results, seconds, peakKvBlocks, kvBlocks)}`);
