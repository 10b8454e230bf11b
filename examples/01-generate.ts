/** One answer, awaited whole. Run: node --import tsx examples/01-generate.ts <engine> */
import { LLM } from "@trtllm-node/runtime";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine);
const { text, usage, timings } = await llm.generate("The capital of France is", { maxTokens: 16 });

console.log(text.trim());
console.log(`${usage.completionTokens} tokens, ${timings.tokensPerSecond.toFixed(1)} a second`);
