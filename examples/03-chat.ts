/** A conversation: each question is asked with everything said before. Run: node --import tsx examples/03-chat.ts <engine> */
import { type ChatMessage, LLM } from "@trtllm-node/runtime";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine);
const messages: ChatMessage[] = [{ role: "system", content: "You are a friendly assistant." }];

for (const question of ["Tell me about Paris in one sentence.", "In which country is it?"]) {
  console.log(`> ${question}`);
  messages.push({ role: "user", content: question });

  const answer = llm.chat(messages, { maxTokens: 48 });
  for await (const text of answer.textStream) process.stdout.write(text);
  console.log();

  const { message, usage } = await answer.result;
  messages.push(message);
  console.log(`(${usage.cachedPromptTokens} of ${usage.promptTokens} prompt tokens were in the KV cache)`);
}
