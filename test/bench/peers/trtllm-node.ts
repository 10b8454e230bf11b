/** trtllm-node: text streamed through `LLM.stream`. Prints a Measurement as JSON. */
import { Executor } from "@trtllm-node/core";
import { LLM, loadTokenizer, type Tokenizer } from "@trtllm-node/runtime";
import { measure, type RunRequest, warmUp, workloadFromArguments } from "../measure.ts";
import { makePrompts, type Workload } from "../workload.ts";

const workload = workloadFromArguments();
const executor = await Executor.create(workload.model, {
  maxBatchSize: workload.requests,
  embedded: { maxSequenceTokens: workload.sharedPrefix + workload.promptTokens + workload.newTokens },
});
await using llm = new LLM(executor, withoutEndTokens(await loadTokenizer(executor)));

// Prompts of another series: the cache must not know those that are measured.
await run(warmUp(workload), 1_000_000);
console.log(JSON.stringify(await run(workload, 0)));

function run(task: Workload, series: number) {
  const runRequest: RunRequest = async (prompt, _index, onToken) => {
    const stream = llm.stream(prompt, { maxTokens: task.newTokens });
    let text = "";
    for await (const chunk of stream) {
      onToken();
      text += chunk.text;
    }
    const result = await stream.result;
    if (text !== result.text) throw new Error("The streamed text is not the text of the result");
    return [...result.tokens];
  };
  return measure(task, makePrompts(task, llm.engine.vocabularySize, series), runRequest);
}

function withoutEndTokens(tokenizer: Tokenizer): Tokenizer {
  return {
    encode: (text, options) => tokenizer.encode(text, options),
    encodeAsync: (text, options, signal) => tokenizer.encodeAsync(text, options, signal),
    containsSpecial: (text) => tokenizer.containsSpecial(text),
    createDecoder: () => tokenizer.createDecoder(),
    isSpecial: (token) => tokenizer.isSpecial(token),
    endIds: [],
    bosToken: tokenizer.bosToken,
    eosToken: tokenizer.eosToken,
    chatTemplate: tokenizer.chatTemplate,
  };
}
