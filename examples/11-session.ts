/** A conversation that keeps its KV cache warm, is forked, saved and resumed. Run: node --import tsx examples/11-session.ts <engine> */
import { LLM } from "@trtllm-node/runtime";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine);
const session = llm.session({ system: "You are a friendly assistant who answers in one sentence." });

async function ask(name: string, asked: typeof session, question: string): Promise<void> {
  const { text, usage } = await asked.send(question, { maxTokens: 40 });
  console.log(`${name}: ${question}\n  ${JSON.stringify(text)}`);
  console.log(`  ${usage.cachedPromptTokens} of ${usage.promptTokens} prompt tokens were in the KV cache`);
}

await ask("session", session, "Tell me about Paris.");
await ask("session", session, "What can I see there in one day?");

const fork = session.fork();
await ask("fork", fork, "And what can I eat there?");

const resumed = llm.session(JSON.parse(JSON.stringify(session)));
await ask("resumed", resumed, "In which country is it?");
