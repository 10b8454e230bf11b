/** Ways to choose tokens. Run: node --import tsx examples/04-sampling.ts <engine> */
import { LLM } from "@trtllm-node/runtime";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine, { maxBatchSize: 4 });
const prompt = "The capital of France is";

const tokensOf = (text: string): number[] => [
  ...llm.tokenizer.encode(text, { addSpecial: false, parseSpecial: false }),
];

const ways = {
  greedy: {},
  drawn: { temperature: 0.9, topP: 0.9, seed: 7 },
  "no Paris": { badWords: [tokensOf(" Paris")] },
  "no pair of tokens twice": { noRepeatNgramSize: 2 },
};

await Promise.all(
  Object.entries(ways).map(async ([name, options]) => {
    const { text } = await llm.generate(prompt, { maxTokens: 24, ...options });
    console.log(`${name}: ${JSON.stringify(text)}`);
  }),
);
