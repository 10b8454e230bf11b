import type { KvCacheRemoved, KvCacheStored, KvCacheUpdated } from "@trtllm-node/core";
import { type PrefixNode, PrefixTree } from "./prefix-tree.ts";

/** A block that can be reused, as its executor's events tell it. */
export interface CachedKvBlock {
  readonly hash: string;
  /** `undefined` where the block begins a sequence. */
  readonly parentHash: string | undefined;
  readonly tokens: readonly number[];
  readonly loraId: string | undefined;
  /** 0: device; 1: host. */
  readonly level: number;
  readonly priority: number;
}

interface Entry {
  block: CachedKvBlock;
  /** `undefined` where what comes before it is not known. */
  readonly place: PrefixNode | undefined;
}

const noLora = "";

/** The blocks of one attention window: by hash, as the executor names them, and by what they hold. */
export class WindowBlocks {
  readonly #tokensPerBlock: number;
  readonly #entries = new Map<string, Entry>();
  /** By LoRA id: blocks are not shared between them. */
  readonly #trees = new Map<string, PrefixTree>();
  readonly #counts: [device: number, host: number] = [0, 0];

  constructor(tokensPerBlock: number) {
    this.#tokensPerBlock = tokensPerBlock;
  }

  get counts(): readonly [device: number, host: number] {
    return this.#counts;
  }

  *blocks(): Generator<CachedKvBlock> {
    for (const { block } of this.#entries.values()) yield block;
  }

  stored({ parentHash: first, blocks }: KvCacheStored): void {
    let parentHash = first;
    for (const { blockHash: hash, tokens, loraId, cacheLevel: level, priority } of blocks) {
      this.#remove(hash);
      const before =
        parentHash === undefined ? this.#tree(loraId).root : this.#entries.get(parentHash)?.place;
      const place = before && this.#tree(loraId).place(before, tokens);
      this.#entries.set(hash, { block: { hash, parentHash, tokens, loraId, level, priority }, place });
      this.#count(level, place, 1);
      parentHash = hash;
    }
  }

  removed({ blockHashes }: KvCacheRemoved): void {
    for (const hash of blockHashes) this.#remove(hash);
  }

  updated({ blockHash, cacheLevel, priority }: KvCacheUpdated): void {
    const entry = this.#entries.get(blockHash);
    if (entry === undefined) return;
    const { block, place } = entry;
    const level = cacheLevel?.newValue ?? block.level;
    this.#count(block.level, place, -1);
    this.#count(level, place, 1);
    entry.block = { ...block, level, priority: priority?.newValue ?? block.priority };
  }

  /** @param visit is told each place of the prompt that holds a block, from the beginning on */
  walk(
    tokens: ArrayLike<number>,
    length: number,
    loraId: string | undefined,
    visit: (node: PrefixNode) => void,
  ): void {
    this.#trees.get(loraId ?? noLora)?.walk(tokens, length, visit);
  }

  #remove(hash: string): void {
    const entry = this.#entries.get(hash);
    if (entry === undefined) return;
    this.#entries.delete(hash);
    const { block, place } = entry;
    this.#count(block.level, place, -1);
    if (place !== undefined) this.#tree(block.loraId).prune(place);
  }

  #count(level: number, place: PrefixNode | undefined, change: number): void {
    const index = level === 0 ? 0 : 1;
    this.#counts[index] += change;
    if (place !== undefined) place.blocks[index] += change;
  }

  #tree(loraId = noLora): PrefixTree {
    let tree = this.#trees.get(loraId);
    if (tree === undefined) {
      tree = new PrefixTree(this.#tokensPerBlock);
      this.#trees.set(loraId, tree);
    }
    return tree;
  }
}
