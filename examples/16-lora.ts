/** One engine, several adapters. Run: node --import tsx examples/16-lora.ts <engine> <folder of an adapter> */
import { LLM } from "@trtllm-node/runtime";

const [engine, adapter] = process.argv.slice(2);
if (!engine || !adapter) throw new Error("Pass the path of an engine, and the folder of a PEFT checkpoint");

await using llm = await LLM.load(engine);
await llm.lora.load("mine", adapter);

// Both run together: one batch serves every adapter and the model as it is.
const answers = [undefined, "mine"].map(async (lora) => {
  const { text } = await llm.generate("The capital of France is", { maxTokens: 16, lora });
  return `${lora ?? "no adapter"}: ${JSON.stringify(text)}`;
});
for await (const answer of answers) console.log(answer);
