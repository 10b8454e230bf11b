/** An engine in a process of its own, which is killed on the way. Run: node --import tsx examples/05-isolation.ts <engine> */
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { ExecutorCrashedError } from "@trtllm-node/core";
import { LLM } from "@trtllm-node/runtime";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

/** As the kernel would, when memory runs out. */
function killHost(): void {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
  const isHost = (pid: string) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "trtllm-host";
  process.kill(Number(children.find(isHost)), "SIGKILL");
}

await using llm = await LLM.load(engine, { isolation: "process" });
try {
  for await (const { text } of llm.stream("The three primary colors are", { maxTokens: 200 })) {
    console.log(`So far: ${text.trim()}`);
    killHost();
  }
} catch (error) {
  console.log((error as { code: string }).code);
}

/** The engine is loaded again; until then there is no vocabulary to tokenize a text with. */
async function answer(prompt: string): Promise<string> {
  try {
    return (await llm.generate(prompt, { maxTokens: 8 })).text;
  } catch (error) {
    if (!(error instanceof ExecutorCrashedError)) throw error;
    await setTimeout(100);
    return answer(prompt);
  }
}

console.log((await answer("The capital of France is")).trim());
