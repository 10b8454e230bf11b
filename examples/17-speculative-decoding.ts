/** Guesses tokens from the prompt. Run: node --import tsx examples/17-speculative-decoding.ts <engine> */
import { LLM } from "@trtllm-node/runtime";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine, { embedded: { speculativeConfig: { decodingType: "NGram" } } });

const notice =
  "The harbour of Kestrel Bay was built in 1874 by the engineer Amos Whitlock. It has two piers, the north pier of 310 metres and the south pier of 280 metres.";
for (const task of [`Repeat this text word for word:\n\n${notice}`, "Why is the sky blue?"]) {
  const answer = llm.chat([{ role: "user", content: task }], { maxTokens: 64 });
  const { usage, speculativeDecoding } = await answer.result;
  const { totalAcceptedDraftTokens: right = 0, totalDraftTokens: guessed = 0 } = speculativeDecoding ?? {};
  console.log(`${usage.completionTokens} tokens, ${right} of ${guessed} guesses right: ${task.slice(0, 30)}`);
}
