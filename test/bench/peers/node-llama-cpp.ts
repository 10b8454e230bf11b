/** node-llama-cpp: tokens, not made into text. Prints a Measurement as JSON. */
import { availableParallelism } from "node:os";
import { getLlama, LlamaLogLevel, type Token } from "node-llama-cpp";
import { onGpu } from "../device.ts";
import { measure, type RunRequest, warmUp, workloadFromArguments } from "../measure.ts";
import { makePrompts, type Workload } from "../workload.ts";

const workload = workloadFromArguments();
const llama = await getLlama({ gpu: onGpu && "cuda", build: "never", logLevel: LlamaLogLevel.error });
const model = await llama.loadModel({ modelPath: workload.model });
const context = await model.createContext({
  sequences: workload.requests,
  contextSize: workload.sharedPrefix + workload.promptTokens + workload.newTokens,
  // Its own choice is twice as many threads as cores, which makes it many times slower.
  threads: availableParallelism(),
  batchSize: 512,
  flashAttention: true,
});
const sequences = Array.from({ length: workload.requests }, () => context.getSequence());
const vocabularySize = model.fileInfo.metadata.tokenizer.ggml.tokens.length;

await run(warmUp(workload), 1_000_000);
for (const sequence of sequences) await sequence.clearHistory();
console.log(JSON.stringify(await run(workload, 0)));
await llama.dispose();

function run(task: Workload, series: number) {
  const runRequest: RunRequest = async (prompt, index, onToken) => {
    const tokens: Token[] = [];
    const answer = sequences[index]!.evaluate(prompt as Token[], { temperature: 0, yieldEogToken: true });
    for await (const token of answer) {
      onToken();
      tokens.push(token);
      if (tokens.length === task.newTokens) break;
    }
    return tokens;
  };
  return measure(task, makePrompts(task, vocabularySize, series), runRequest);
}
