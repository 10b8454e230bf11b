/** Typed data out of text, whole and while it is written. Run: node --import tsx examples/15-extract.ts <engine> */
import { LLM } from "@trtllm-node/runtime";
import { z } from "zod";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

const Person = z.object({ name: z.string().max(40), born: z.int().min(1000).max(2100) });

await using llm = await LLM.load(engine);
const options = { maxTokens: 64 };

const person = await llm.generateObject("Ada Lovelace, born 1815 in London.", Person, options);
console.log(`${person.name.toUpperCase()} would be ${2025 - person.born}`);

const stream = llm.streamObject("Alan Turing was born in 1912.", Person, options);
for await (const partial of stream) console.log(JSON.stringify(partial));
const { object, usage } = await stream.result;
console.log(`${object.name}: ${usage.completionTokens} tokens`);
