/** Two models in one process, one with two copies, and a swap under load. Run: node --import tsx examples/12-pool.ts <engine> */
import { EnginePool } from "@trtllm-node/runtime";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

// The same file twice here; in an application, a small and a large model.
const options = { path: engine, maxBatchSize: 4, embedded: { maxSequenceTokens: 512 } };
await using pool = await EnginePool.load({ small: { ...options, copies: 2 }, large: options });

async function ask(name: string, prompt: string): Promise<void> {
  const { text } = await pool.model(name).generate(prompt, { maxTokens: 12 });
  console.log(`${name}: ${prompt} … ${JSON.stringify(text)}`);
}

const running = [
  ask("small", "The capital of France is"),
  ask("small", "Water is made of"),
  ask("large", "The three primary colors are"),
];
// Meanwhile other engines take the place of the two; what runs, ends where it began.
await pool.swap("small", options);
await ask("small", "The capital of Italy is");
await Promise.all(running);

for (const [name, copies] of Object.entries(pool.health())) {
  console.log(`${name}: ${copies.map(({ state, submitted }) => `${state}, ${submitted} given`).join("; ")}`);
}
