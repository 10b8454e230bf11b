/** A block that requests use, and who computes it: one that several use is computed. */
interface UsedBlock {
  uses: number;
  owner: number | undefined;
}

/**
 * What a KV cache remembers of prompts, by the numbers of their prefix blocks: blocks in use are shared, idle ones are
 * forgotten in order of their last use. Sizes are in prefix blocks.
 */
export class PrefixCache {
  readonly #used = new Map<number, UsedBlock>();
  /** In order of use; the blocks of answers have keys that no prompt has. */
  readonly #idle = new Map<number, true>();
  #answerKey = -1;

  /** Blocks at the beginning that are there, in use or idle. */
  match(blocks: readonly number[]): number {
    const missing = blocks.findIndex((block) => !this.#used.has(block) && !this.#idle.has(block));
    return missing === -1 ? blocks.length : missing;
  }

  /** Of the blocks at the beginning that are there, those that others use too. */
  shared(blocks: readonly number[]): number {
    const missing = blocks.findIndex((block) => !this.#used.has(block));
    return missing === -1 ? blocks.length : missing;
  }

  /** Who may still be computing the block. */
  owner(block: number): number | undefined {
    return this.#used.get(block)?.owner;
  }

  use(blocks: readonly number[], request: number): void {
    for (const block of blocks) {
      const used = this.#used.get(block);
      if (used !== undefined) used.uses += 1;
      else this.#used.set(block, { uses: 1, owner: request });
      this.#idle.delete(block);
    }
  }

  /**
   * A request has ended: what nobody else uses becomes idle, the prompt's beginning as the last used.
   * @param stored blocks of the prompt that were computed
   * @param answerBlocks of the answer, which stay too
   */
  release(blocks: readonly number[], stored: number, answerBlocks: number): void {
    for (let index = 0; index < answerBlocks; index += 1) this.#idle.set(this.#answerKey--, true);
    for (let index = blocks.length - 1; index >= 0; index -= 1) {
      const block = blocks[index]!;
      const used = this.#used.get(block)!;
      used.uses -= 1;
      used.owner = undefined;
      if (used.uses > 0) continue;
      this.#used.delete(block);
      if (index >= stored) continue;
      this.#idle.delete(block);
      this.#idle.set(block, true);
    }
  }

  /** Forgets idle blocks until at most so many are left. */
  trim(most: number): void {
    if (this.#idle.size <= most) return;
    for (const block of this.#idle.keys()) {
      if (this.#idle.size <= most) return;
      this.#idle.delete(block);
    }
  }
}
