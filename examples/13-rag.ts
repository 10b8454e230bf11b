/** Questions about documents that all prompts begin with, computed once. Run: node --import tsx examples/13-rag.ts <engine> */
import { LLM } from "@trtllm-node/runtime";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

const passages = [
  "The lighthouse of Port Ardin was built in 1874. It is 41 metres high and painted red and white.",
  "The keeper of the lighthouse is Mara Quill. She has lived there with two cats since 2009.",
  "The ferry to Port Ardin leaves every morning at half past seven from the old harbour.",
  "The bakery of Port Ardin is known for its salted caramel bread, sold only on Sundays.",
];

/** The passages that share most words with the question; in an application, a vector search. */
function retrieve(question: string, count: number): string[] {
  const words = (text: string) => new Set(text.toLowerCase().match(/\p{L}{4,}/gu));
  const asked = words(question);
  const score = (passage: string) => [...words(passage)].filter((word) => asked.has(word)).length;
  const ranked = passages.map((passage, index) => ({ index, score: score(passage) }));
  const best = ranked.sort((a, b) => b.score - a.score).slice(0, count);
  // In their own order, whatever the ranks: the same passages make the same prefix.
  return best.sort((a, b) => a.index - b.index).map(({ index }) => passages[index]!);
}

await using llm = await LLM.load(engine);
for (const question of [
  "Who is the keeper of the lighthouse?",
  "How high is the lighthouse?",
  "With whom does the keeper of the lighthouse live?",
]) {
  const context = retrieve(question, 2).join("\n");
  // What is shared comes first, what differs last.
  const { text, usage } = await llm.chat(
    [
      { role: "system", content: `Answer from these facts, in one sentence:\n${context}` },
      { role: "user", content: question },
    ],
    { maxTokens: 32 },
  ).result;
  console.log(`${question}\n  ${text.trim()}`);
  console.log(`  ${usage.cachedPromptTokens} of ${usage.promptTokens} prompt tokens were in the KV cache`);
}
