/** How many requests a KV cache has room for, and what would change that. Run: node --import tsx examples/kv-sizing.ts */
import { type KvLayout, kvWhatIf, sequenceWaste } from "@trtllm-node/kv-cache";

const llama8b: KvLayout = { layers: 32, kvHeads: 8, headSize: 128, precision: "float16" };
const pool = { poolBytes: 40e9, tokensPerBlock: 32 };

for (const row of kvWhatIf(llama8b, {
  ...pool,
  sequenceTokens: [2048, 8192, 32_768],
  precisions: ["float16", "fp8"],
})) {
  console.log(
    `${row.precision}: ${row.sequences} requests of ${row.sequenceTokens} tokens, ${row.tokens} tokens in all`,
  );
}

// Tokens of prompt and answer of each request: from your logs.
const lengths = Array.from({ length: 2000 }, (_, index) => 300 + ((index * 7919) % 1700));
const waste = sequenceWaste(llama8b, { ...pool, lengths, maxSequenceTokens: 32_768 });
console.log(
  `A limit of 32768 holds ${waste.bytesBeyondP99} bytes of each request for nothing: 99 % end within ${waste.p99} tokens. ` +
    `With that limit ${waste.sequencesAtP99} fit instead of ${waste.sequencesAtLimit}.`,
);
