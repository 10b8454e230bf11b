/** On SIGTERM: take nothing new, let what runs end for a while, then free the engine. */
import { LLM } from "@trtllm-node/runtime";

const graceMs = 10_000;
const llm = await LLM.load(process.argv[2] ?? "model.gguf", { embedded: { maxSequenceTokens: 512 } });
const running = new Set<Promise<unknown>>();

function answer(prompt: string): Promise<unknown> {
  const { result } = llm.stream(prompt, { maxTokens: 24 });
  running.add(result);
  return result.finally(() => running.delete(result));
}

process.once("SIGTERM", async () => {
  const drained = Promise.allSettled(running);
  await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, graceMs).unref())]);
  await llm.dispose(); // cancels what still runs, and delivers its end
  for (const result of await drained) console.log(result.status);
});

void answer("The capital of France is");
void answer("Water boils at");
process.kill(process.pid, "SIGTERM"); // as a container's runtime does
