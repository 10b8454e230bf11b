/** What the KV cache does with prompts that begin alike. Run: node --import tsx examples/kv-cache.ts <engine> */
import { Executor } from "@trtllm-node/core";
import { KvCacheMonitor } from "@trtllm-node/kv-cache";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using executor = await Executor.create(engine, { kvCache: { eventBufferMaxSize: 1000 } });
const { vocabulary } = executor;
if (!vocabulary) throw new Error("This engine carries no vocabulary");
const kvCache = new KvCacheMonitor(() => [executor]);

const rules = "You answer questions about rivers. Be short, and name the country of each river. ".repeat(6);
for (const question of ["Where is the Rhine?", "Where is the Nile?"]) {
  const tokens = vocabulary.tokenize(rules + question);
  const expected = Math.ceil((kvCache.find(tokens)?.tokens ?? 0) / executor.engine.tokensPerBlock);
  const { kvBlocks, timings } = await executor.submit({
    tokens,
    maxTokens: 8,
    kvCacheRetention: { tokenRanges: [{ end: tokens.length - 8, priority: 90 }], decodePriority: 10 },
  }).result;
  const first = timings.timeToFirstTokenMs?.toFixed(0);
  console.log(
    `${question} ${kvBlocks.reused} of ${kvBlocks.reused + kvBlocks.allocated} blocks reused, ${expected} whole ones ` +
      `expected, first token after ${first} ms`,
  );
}

const { blocks, cached, hitRate } = kvCache.stats();
console.log(`${cached?.device} blocks cached, ${blocks.used} in use, hit rate ${hitRate.toFixed(2)}`);
