import type { KvCacheEvent, StoredKvBlock } from "@trtllm-node/core";
import { expect, test } from "vitest";
import { type KvHistoryStep, kvHistories } from "../../../../test/support/kv-histories.ts";
import { KvBlockTree } from "./kv-block-tree.ts";

const histories = kvHistories(120);

/** Tokens from the sequence's beginning and level of every block, in an order that both sides share. */
function contents(tree: KvBlockTree): string[] {
  const byHash = new Map([...tree.blocks()].map((block) => [block.hash, block]));
  const path = (hash: string | undefined): number[][] => {
    if (hash === undefined) return [];
    const { parentHash, tokens } = byHash.get(hash)!;
    return [...path(parentHash), [...tokens]];
  };
  return [...byHash.values()].map(({ hash, level }) => JSON.stringify([path(hash), level])).sort();
}

/** The prompt's blocks one by one in the list of all that is cached. */
function findPlainly({ cached }: KvHistoryStep, prompt: readonly number[], tokensPerBlock: number) {
  const usable = prompt.slice(0, -1);
  const found = { tokens: 0, device: 0, host: 0 };
  for (let at = 0; at < usable.length; at += tokensPerBlock) {
    const wanted = usable.slice(0, at + tokensPerBlock);
    const same = cached.filter(({ blocks }) => {
      const full = blocks.slice(0, -1).every(({ length }) => length === tokensPerBlock);
      return full && blocks.length === at / tokensPerBlock + 1 && `${blocks.flat()}` === `${wanted}`;
    });
    if (same.length === 0) break;
    const length = wanted.length - at;
    found.tokens += length;
    found[same.some(({ level }) => level === 0) ? "device" : "host"] += length;
  }
  return found;
}

test("The tree equals the executor's own after every step of any history.", () => {
  let [onDevice, onHost, looked] = [0, 0, 0];
  for (const { tokensPerBlock, steps } of histories) {
    const tree = new KvBlockTree(tokensPerBlock);
    for (const step of steps) {
      tree.apply(step.events);
      const own = step.cached.map(({ blocks, level }) => JSON.stringify([blocks, level])).sort();
      expect(contents(tree)).toEqual(own);
      expect(tree.counts).toEqual({
        device: step.cached.filter(({ level }) => level === 0).length,
        host: step.cached.filter(({ level }) => level === 1).length,
      });
      const found = tree.find(step.prompt);
      expect(found).toEqual(findPlainly(step, step.prompt, tokensPerBlock));
      onDevice += found.device;
      onHost += found.host;
      looked += step.prompt.length;
    }
    expect(tree.missedEvents).toBe(0);
  }
  // The histories are worth their name.
  expect(onDevice).toBeGreaterThan(looked / 20);
  expect(onHost).toBeGreaterThan(100);
});

test("Lost events are counted, and do not stop the mirror.", () => {
  for (const { tokensPerBlock, steps } of histories.slice(0, 40)) {
    const events = steps.flatMap((step) => step.events);
    const kept = events.filter((_, index) => index % 7 !== 3);
    const tree = new KvBlockTree(tokensPerBlock);
    tree.apply(kept);
    const last = events.at(-1)!.eventId;
    const lostBehind = last - kept.at(-1)!.eventId;
    expect(tree.missedEvents).toBe(events.length - kept.length - lostBehind);
    for (const { prompt } of steps) expect(tree.find(prompt).tokens).toBeLessThan(prompt.length);
  }
});

const windowSize = 64;

function block(blockHash: string, tokens: number[], more: Partial<StoredKvBlock> = {}): StoredKvBlock {
  return { blockHash, tokens, cacheLevel: 0, priority: 35, ...more };
}

function numbered(events: readonly object[]): KvCacheEvent[] {
  return events.map((event, eventId) => ({ eventId, windowSize, ...event }) as KvCacheEvent);
}

test("What follows an unknown block is kept and counted, but is no prefix of a prompt.", () => {
  const tree = new KvBlockTree(2);
  tree.apply(numbered([{ type: "stored", parentHash: "lost", blocks: [block("a", [1, 2])] }]));
  expect(tree.find([1, 2, 3]).tokens).toBe(0);
  expect(tree.counts.device).toBe(1);
});

test("An executor that was restarted begins with an empty tree.", () => {
  const created = { type: "created", numBlocksPerCacheLevel: [8, 4] };
  const tree = new KvBlockTree(2);
  tree.apply(numbered([created, { type: "stored", blocks: [block("a", [1, 2])] }]));
  expect(tree.find([1, 2, 3])).toEqual({ tokens: 2, device: 2, host: 0 });
  tree.apply(numbered([created]));
  expect(tree.find([1, 2, 3]).tokens).toBe(0);
  expect([tree.poolBlocks, tree.missedEvents]).toEqual([[8, 4], 0]);
});

test("Blocks of LoRA adapters are apart.", () => {
  const tree = new KvBlockTree(2);
  tree.apply(numbered([{ type: "stored", blocks: [block("a", [1, 2], { loraId: "7" })] }]));
  expect(tree.find([1, 2, 3]).tokens).toBe(0);
  expect(tree.find([1, 2, 3], { loraId: "7" }).tokens).toBe(2);
});

test("Of several attention windows the one that holds least decides.", () => {
  const tree = new KvBlockTree(2);
  const blocks = [block("a", [1, 2]), block("b", [3, 4])];
  tree.apply(
    numbered([
      { type: "stored", blocks },
      { type: "stored", windowSize: 16, blocks: [blocks[0]] },
    ]),
  );
  expect(tree.find([1, 2, 3, 4, 5]).tokens).toBe(2);
});
