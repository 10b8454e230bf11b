/** Two answers at once, each printed as it comes. Run: node --import tsx examples/02-stream.ts <engine> */
import { LLM } from "@trtllm-node/runtime";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine, { maxBatchSize: 2 });

async function tell(prompt: string): Promise<void> {
  for await (const { text } of llm.stream(prompt, { maxTokens: 24 })) {
    console.log(`${prompt} … ${JSON.stringify(text)}`);
  }
}

await Promise.all([tell("Once upon a time"), tell("The three primary colors are")]);
