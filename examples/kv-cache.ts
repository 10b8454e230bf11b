/** What the KV cache does with prompts that begin alike. Run: node --import tsx examples/kv-cache.ts <engine> */
import { Executor } from "@trtllm-node/core";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using executor = await Executor.create(engine, { kvCache: { eventBufferMaxSize: 1000 } });
const { vocabulary } = executor;
if (!vocabulary) throw new Error("This engine carries no vocabulary");

const rules = "You answer questions about rivers. Be short, and name the country of each river. ".repeat(6);
for (const question of ["Where is the Rhine?", "Where is the Nile?"]) {
  const tokens = vocabulary.tokenize(rules + question);
  const { kvBlocks, timings } = await executor.submit({
    tokens,
    maxTokens: 8,
    kvCacheRetention: { tokenRanges: [{ end: tokens.length - 8, priority: 90 }], decodePriority: 10 },
  }).result;
  const first = timings.timeToFirstTokenMs?.toFixed(0);
  console.log(
    `${question} ${kvBlocks.reused} of ${kvBlocks.reused + kvBlocks.allocated} blocks reused, first token after ${first} ms`,
  );
}

let cached = 0;
for (const event of executor.kvEvents()) {
  if (event.type === "stored") cached += event.blocks.length;
  if (event.type === "removed") cached -= event.blockHashes.length;
}
const stats = executor.iterationStats().at(-1)?.kvCacheStats;
console.log(
  `${cached} blocks cached, ${stats?.usedNumBlocks} in use, hit rate ${stats?.cacheHitRate.toFixed(2)}`,
);
