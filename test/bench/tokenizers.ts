/** How fast tokenizers of published models turn text into tokens and back: npm run bench:tokenizers */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { loadTokenizer } from "@trtllm-node/runtime";
import Table from "cli-table3";
import { difficult } from "../support/difficult-text.ts";
import { twentyPrompts } from "../support/prompts.ts";

const passage = [...twentyPrompts, ...difficult].join("\n");
const text = passage.repeat(Math.ceil(1_000_000 / passage.length)).slice(0, 1_000_000);
const plain = { addSpecial: false, parseSpecial: false };
const sizes = [1000, 16_384, 100_000, 1_000_000];

const table = new Table({
  head: [
    "tokenizer",
    ...sizes.map((size) => `${size / 1000}k chars, ms`),
    "decode, million tokens/s",
    "1 M on the thread, ms",
    "longest turn meanwhile, ms",
  ],
});
for (const name of ["llama3_1", "qwen3", "gemma3", "llama2"]) {
  const path = fileURLToPath(new URL(`../../.cache/tokenizers/${name}`, import.meta.url));
  const tokenizer = await loadTokenizer({
    engine: { path, name, vocabularySize: 1_000_000 },
    vocabulary: undefined,
  });
  const encode = sizes.map((size) => {
    const part = text.slice(0, size);
    return milliseconds(() => tokenizer.encode(part, plain), Math.ceil(200_000 / size));
  });
  const tokens = tokenizer.encode(text, plain);
  const decode = milliseconds(() => {
    const decoder = tokenizer.createDecoder();
    let length = 0;
    for (const token of tokens) length += decoder.push([token]).length;
    if (length + decoder.flush().length < text.length) throw new Error("Text was lost");
  }, 5);
  // Starts the thread.
  await tokenizer.encodeAsync("a", plain);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  await tokenizer.encodeAsync(text, plain);
  const thread = performance.now() - start;
  delay.disable();
  table.push([
    name,
    ...encode.map((ms) => ms.toFixed(1)),
    (tokens.length / decode / 1000).toFixed(1),
    thread.toFixed(0),
    (delay.max / 1e6).toFixed(1),
  ]);
}
console.log(table.toString());
// The threads would end by themselves after a while.
process.exit();

/** Mean of some runs, after one that does not count. */
function milliseconds(run: () => void, times: number): number {
  run();
  const start = performance.now();
  for (let i = 0; i < times; i++) run();
  return (performance.now() - start) / times;
}
