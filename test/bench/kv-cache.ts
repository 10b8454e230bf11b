/**
 * How long a router needs to know what of a prompt is cached: npm run bench:kv-cache
 * Prompts of 8,192 tokens, in a mirror of 100,000 blocks of 32 tokens, each prompt looked up whole.
 */
import type { KvCacheEvent } from "@trtllm-node/core";
import { KvBlockTree } from "@trtllm-node/kv-cache";
import Table from "cli-table3";

const [blocks, tokensPerBlock, promptTokens, rounds] = [100_000, 32, 8192, 2000];
const perPrompt = promptTokens / tokensPerBlock;
const barMicroseconds = 50;

let state = 1;
const random = (limit: number) => {
  // Numerical Recipes' generator; its low bits are poor.
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state >>> 8) % limit;
};
const randomTokens = (count: number) => Array.from({ length: count }, () => random(128_000));

interface Cache {
  readonly events: readonly KvCacheEvent[];
  /** Prompts that it holds whole. */
  readonly prompts: readonly number[][];
}

/** Builds a cache block by block, as an executor's events tell it. */
class CacheBuilder {
  readonly events: KvCacheEvent[] = [];

  /** @returns the block's hash */
  store(tokens: number[], parent: string | undefined): string {
    const eventId = this.events.length;
    const block = { blockHash: String(10n ** 18n + BigInt(eventId)), tokens, cacheLevel: 0, priority: 35 };
    const parentHash = parent === undefined ? {} : { parentHash: parent };
    this.events.push({ eventId, windowSize: promptTokens, type: "stored", ...parentHash, blocks: [block] });
    return block.blockHash;
  }
}

/** Prompts until there are enough blocks; each has so many whole blocks in common with one before it. */
function branching(shared: () => number): Cache {
  const builder = new CacheBuilder();
  const prompts: { tokens: number[]; hashes: string[] }[] = [];
  while (builder.events.length < blocks) {
    const before = prompts[random(prompts.length || 1)];
    const common = before === undefined ? 0 : shared();
    const tokens = before?.tokens.slice(0, common * tokensPerBlock) ?? [];
    const hashes = before?.hashes.slice(0, common) ?? [];
    while (hashes.length < perPrompt) {
      const block = randomTokens(tokensPerBlock);
      tokens.push(...block);
      hashes.push(builder.store(block, hashes.at(-1)));
    }
    prompts.push({ tokens, hashes });
  }
  return { events: builder.events, prompts: prompts.map(({ tokens }) => tokens) };
}

/** One prompt, and blocks of others that leave it anywhere. */
function leaving(): Cache {
  const builder = new CacheBuilder();
  const prompt = randomTokens(promptTokens);
  const hashes: string[] = [];
  for (let at = 0; at < promptTokens; at += tokensPerBlock) {
    hashes.push(builder.store(prompt.slice(at, at + tokensPerBlock), hashes.at(-1)));
  }
  while (builder.events.length < blocks)
    builder.store(randomTokens(tokensPerBlock), hashes[random(perPrompt)]);
  return { events: builder.events, prompts: [prompt] };
}

const shapes: [name: string, make: () => Cache][] = [
  ["prompts that have nothing in common", () => branching(() => 0)],
  ["a system prompt of 2,048 tokens before all", () => branching(() => 64)],
  ["conversations that branch anywhere", () => branching(() => random(perPrompt))],
  ["one prompt that all others leave somewhere", leaving],
];

const table = new Table({
  head: ["cache", "blocks", "lookup, µs (median)", "p99, µs", "an event, µs", "bar"],
});
let missed = false;
for (const [name, make] of shapes) {
  const { events, prompts } = make();
  const tree = new KvBlockTree(tokensPerBlock);
  const start = performance.now();
  tree.apply(events);
  const perEvent = ((performance.now() - start) * 1000) / events.length;
  const asked = prompts.slice(-1000).map((prompt) => Int32Array.from([...prompt, 1]));
  const times: number[] = [];
  for (let round = 0; round < 2 * rounds; round++) {
    const prompt = asked[random(asked.length)]!;
    const before = performance.now();
    const { tokens } = tree.find(prompt);
    const time = (performance.now() - before) * 1000;
    if (tokens !== promptTokens) throw new Error(`Found ${tokens} of ${promptTokens} tokens`);
    if (round >= rounds) times.push(time); // compiled by then
  }
  times.sort((a, b) => a - b);
  const [median, p99] = [times[rounds / 2]!, times[Math.floor(rounds * 0.99)]!];
  const met = median < barMicroseconds;
  missed ||= !met;
  table.push([
    name,
    events.length,
    median.toFixed(1),
    p99.toFixed(1),
    perEvent.toFixed(2),
    `< ${barMicroseconds}: ${met ? "met" : "missed"}`,
  ]);
}
console.log(table.toString());
if (missed) process.exitCode = 1;
