/** What prompts find in a KV cache of a size that keeps what was used last. */
export interface ReuseCurve {
  /** Share of the prompts' tokens that are in whole blocks which came before: what an endless cache would find. */
  readonly endless: number;
  /** Ascending sizes of the cache, in tokens, with the share of the prompts' tokens that are found. */
  readonly points: readonly { readonly tokens: number; readonly hitRate: number }[];
}

export interface PromptBlocks {
  readonly promptTokens: number;
  readonly blocks: readonly number[];
  /** Tokens of the answer, which fill the cache too. */
  readonly completionTokens: number;
}

const sizesPerOctave = 4;

/**
 * Hit rate as a function of the cache's size in one pass: a block is found in a cache of C blocks if fewer than C others
 * were used since it was (its stack distance). Within a prompt the beginning counts as used last, so that a cache never
 * holds the end of a prefix without its beginning.
 * Source: Mattson et al., Evaluation techniques for storage hierarchies, 1970.
 * @param prompts in order of arrival
 * @param blockTokens tokens of each block
 */
export function reuseCurve(prompts: readonly PromptBlocks[], blockTokens: number): ReuseCurve {
  const answerBlocks = (tokens: number) => Math.ceil(tokens / blockTokens);
  const accesses = prompts.reduce(
    (sum, { blocks, completionTokens }) => sum + blocks.length + answerBlocks(completionTokens),
    0,
  );
  const used = new CountTree(accesses);
  const lastUse = new Map<number, number>();
  const distances = new Map<number, number>();
  let [now, promptTokens, found] = [0, 0, 0];
  for (const prompt of prompts) {
    promptTokens += prompt.promptTokens;
    for (const block of prompt.blocks) {
      const before = lastUse.get(block);
      if (before === undefined) break;
      const distance = used.total - used.countUpTo(before) + 1;
      distances.set(distance, (distances.get(distance) ?? 0) + 1);
      found += 1;
    }
    for (const block of [...prompt.blocks].reverse()) {
      const before = lastUse.get(block);
      if (before !== undefined) used.add(before, -1);
      lastUse.set(block, now);
      used.add(now++, 1);
    }
    for (let index = answerBlocks(prompt.completionTokens); index > 0; index -= 1) used.add(now++, 1);
  }
  const share = (blocks: number) => (promptTokens > 0 ? (blocks * blockTokens) / promptTokens : 0);
  return { endless: share(found), points: points(distances, blockTokens, share) };
}

function points(
  distances: ReadonlyMap<number, number>,
  blockTokens: number,
  share: (blocks: number) => number,
) {
  const sorted = [...distances].sort(([a], [b]) => a - b);
  const largest = sorted.at(-1)?.[0] ?? 0;
  const result: { tokens: number; hitRate: number }[] = [];
  let [index, hits] = [0, 0];
  for (let step = 0, size = 0; size < largest; step += 1) {
    const next = Math.ceil(2 ** (step / sizesPerOctave));
    if (next === size) continue;
    size = next;
    for (; index < sorted.length && sorted[index]![0] <= size; index += 1) hits += sorted[index]![1];
    result.push({ tokens: size * blockTokens, hitRate: share(hits) });
  }
  return result;
}

/** Fenwick's tree: counts at positions, and their sums, in logarithmic time. */
class CountTree {
  total = 0;
  readonly #sums: Int32Array;

  constructor(positions: number) {
    this.#sums = new Int32Array(positions + 1);
  }

  add(position: number, count: number): void {
    this.total += count;
    for (let index = position + 1; index < this.#sums.length; index += index & -index)
      this.#sums[index]! += count;
  }

  /** Of this position and all before it. */
  countUpTo(position: number): number {
    let sum = 0;
    for (let index = position + 1; index > 0; index -= index & -index) sum += this.#sums[index]!;
    return sum;
  }
}
