/** Text to tokens and back, also off the event loop. Run: node --import tsx examples/20-tokens.ts <engine> */
import { LLM } from "@trtllm-node/runtime";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine);
const { tokenizer } = llm;
const options = { addSpecial: false, parseSpecial: false };

const decoder = tokenizer.createDecoder();
const pieces = [...tokenizer.encode("Grüße aus 東京 👩🏽‍🚀!", options)].map((token) => decoder.push([token]));
console.log(pieces.concat(decoder.flush()).join("|"));

const book = "It was the best of times, it was the worst of times. ".repeat(20_000);
const tokens = await tokenizer.encodeAsync(book, options);
console.log(`${book.length} characters are ${tokens.length} tokens`);
