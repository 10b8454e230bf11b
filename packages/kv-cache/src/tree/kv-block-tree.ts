import type { KvCacheEvent } from "@trtllm-node/core";
import type { PrefixNode } from "./prefix-tree.ts";
import { type CachedKvBlock, WindowBlocks } from "./window-blocks.ts";

/** How many tokens at a prompt's beginning need not be computed: in all, and of them where. */
export interface CachedPrefix {
  readonly tokens: number;
  readonly device: number;
  readonly host: number;
}

export interface FindOptions {
  /** As in the events, decimal. Default: blocks computed without LoRA. */
  readonly loraId?: string | undefined;
}

/**
 * A mirror of the blocks that an executor can reuse, made of its KV events. It equals the executor's own tree for as
 * long as no event is missing. What is missing shows in `missedEvents`: from then on it may know blocks that are gone,
 * until they are stored or removed again, and not know blocks that are there.
 */
export class KvBlockTree {
  readonly #tokensPerBlock: number;
  /** By the size of the attention window: an engine with several keeps blocks for each. */
  readonly #windows = new Map<number, WindowBlocks>();
  #nextEventId = 0;
  #missedEvents = 0;
  #poolBlocks: readonly number[] = [];

  /** @param tokensPerBlock `EngineInfo.tokensPerBlock` */
  constructor(tokensPerBlock: number) {
    this.#tokensPerBlock = tokensPerBlock;
  }

  /** Events of one executor, in its order. An executor that was restarted begins anew. */
  apply(events: Iterable<KvCacheEvent>): void {
    for (const event of events) {
      if (event.eventId < this.#nextEventId) this.#begin();
      this.#missedEvents += event.eventId - this.#nextEventId;
      this.#nextEventId = event.eventId + 1;
      const window = this.#window(event.windowSize);
      // Every window has pools of its own.
      if (event.type === "created") {
        this.#poolBlocks = event.numBlocksPerCacheLevel.map(
          (count, level) => count + (this.#poolBlocks[level] ?? 0),
        );
      }
      if (event.type === "stored") window.stored(event);
      else if (event.type === "removed") window.removed(event);
      else if (event.type === "updated") window.updated(event);
    }
  }

  /** Events that were dropped before they could be taken: raise `kvCache.eventBufferMaxSize`, or take them more often. */
  get missedEvents(): number {
    return this.#missedEvents;
  }

  /** Blocks of the pools by cache level, as the executor has announced them; empty before. */
  get poolBlocks(): readonly number[] {
    return this.#poolBlocks;
  }

  /** Blocks that can be reused, by where they are. */
  get counts(): { readonly device: number; readonly host: number } {
    let [device, host] = [0, 0];
    for (const { counts } of this.#windows.values()) {
      device += counts[0];
      host += counts[1];
    }
    return { device, host };
  }

  *blocks(): Generator<CachedKvBlock> {
    for (const window of this.#windows.values()) yield* window.blocks();
  }

  /**
   * What the executor would find cached of a prompt, in whole blocks; it may reuse a part of one more
   * (`kvCache.enablePartialReuse`). Never all of it, since the last token is always computed. Events do not tell salts:
   * this is the most that a request of any `cacheSaltId` would find.
   */
  find(tokens: ArrayLike<number>, { loraId }: FindOptions = {}): CachedPrefix {
    let best: CachedPrefix | undefined;
    for (const window of this.#windows.values()) {
      let [device, host] = [0, 0];
      const visit = ({ tokens: { length }, blocks }: PrefixNode) => {
        if (blocks[0] > 0) device += length;
        else host += length;
      };
      window.walk(tokens, tokens.length - 1, loraId, visit);
      const found = { tokens: device + host, device, host };
      // Every window must have a block for it to be reused.
      if (best === undefined || found.tokens < best.tokens) best = found;
    }
    return best ?? { tokens: 0, device: 0, host: 0 };
  }

  #begin(): void {
    this.#windows.clear();
    this.#nextEventId = 0;
    this.#poolBlocks = [];
  }

  #window(size: number): WindowBlocks {
    let window = this.#windows.get(size);
    if (window === undefined) {
      window = new WindowBlocks(this.#tokensPerBlock);
      this.#windows.set(size, window);
    }
    return window;
  }
}
