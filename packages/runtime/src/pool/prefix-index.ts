import type { ExecutorRequest } from "@trtllm-node/core";

/**
 * A number for each whole block of a prompt, which stands for all tokens up to its end (FNV-1a, 32 bits). Two
 * prompts with the same number very likely begin the same; where they do not, a request is only routed less well.
 * @param domain of the request: what another salt or adapter computed is of no use to it
 */
export function blockHashes(
  tokens: ArrayLike<number>,
  tokensPerBlock: number,
  { cacheSaltId = -1, lora = "" }: Pick<ExecutorRequest, "cacheSaltId" | "lora"> = {},
): number[] {
  const hashes: number[] = [];
  let hash = Math.imul(0x811c9dc5 ^ cacheSaltId, 0x01000193);
  for (let index = 0; index < lora.length; index++)
    hash = Math.imul(hash ^ lora.charCodeAt(index), 0x01000193);
  for (let index = 0; index < tokens.length; index++) {
    hash = Math.imul(hash ^ tokens[index]!, 0x01000193);
    if ((index + 1) % tokensPerBlock === 0) hashes.push(hash);
  }
  return hashes;
}

/** An estimate of what a KV cache remembers: the blocks of the newest prompts, as many as it can hold. */
export class PrefixIndex {
  /** In order of last use. */
  readonly #blocks = new Set<number>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many blocks at a prompt's beginning are likely to be in the cache. */
  match(hashes: readonly number[]): number {
    const first = hashes.findIndex((hash) => !this.#blocks.has(hash));
    return first === -1 ? hashes.length : first;
  }

  /** A prompt has been given to the engine. */
  add(hashes: readonly number[]): void {
    // Backwards: a prompt's end is evicted before its beginning.
    for (const hash of [...hashes].reverse()) {
      this.#blocks.delete(hash);
      this.#blocks.add(hash);
    }
    for (const hash of this.#blocks) {
      if (this.#blocks.size <= this.#capacity) break;
      this.#blocks.delete(hash);
    }
  }
}
