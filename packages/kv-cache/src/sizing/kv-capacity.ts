import { kvBytesPerSequence, kvBytesPerToken } from "./kv-bytes.ts";
import type { KvLayout, KvPrecision } from "./kv-layout.ts";

/** What fits a pool of a rank. */
export interface KvCapacity {
  readonly bytesPerToken: number;
  readonly blocks: number;
  /** Of those blocks. */
  readonly tokens: number;
}

/** @param poolBytes of one rank */
export function kvCapacity(layout: KvLayout, poolBytes: number, tokensPerBlock: number): KvCapacity {
  const bytesPerToken = kvBytesPerToken(layout);
  const blocks = Math.floor(poolBytes / (bytesPerToken * tokensPerBlock));
  return { bytesPerToken, blocks, tokens: blocks * tokensPerBlock };
}

/** Sequences of so many tokens each that fit a pool of a rank at once. */
export function sequencesThatFit(
  layout: KvLayout,
  poolBytes: number,
  tokens: number,
  tokensPerBlock: number,
): number {
  return Math.floor(poolBytes / kvBytesPerSequence(layout, tokens, tokensPerBlock));
}

export interface KvAlternatives {
  /** Bytes of the pool of one rank. */
  readonly poolBytes: number;
  readonly tokensPerBlock: number;
  /** Lengths of sequences, prompt and answer together. */
  readonly sequenceTokens: readonly number[];
  /** Default: the layout's. */
  readonly precisions?: readonly KvPrecision[] | undefined;
  /** Default: the layout's. */
  readonly tensorParallel?: readonly number[] | undefined;
}

/** A row of "what if". */
export interface KvAlternative extends KvCapacity {
  readonly precision: KvPrecision;
  readonly tensorParallel: number;
  readonly sequenceTokens: number;
  /** Of one rank. */
  readonly bytesPerSequence: number;
  /** Sequences at once. */
  readonly sequences: number;
}

/** What would fit with other precisions, mappings and lengths: a row for every combination. */
export function kvWhatIf(layout: KvLayout, alternatives: KvAlternatives): KvAlternative[] {
  const { poolBytes, tokensPerBlock, sequenceTokens } = alternatives;
  const { precisions = [layout.precision], tensorParallel: ranks = [layout.tensorParallel ?? 1] } =
    alternatives;
  return precisions.flatMap((precision) =>
    ranks.flatMap((tensorParallel) => {
      const changed = { ...layout, precision, tensorParallel };
      return sequenceTokens.map((tokens) => ({
        ...kvCapacity(changed, poolBytes, tokensPerBlock),
        precision,
        tensorParallel,
        sequenceTokens: tokens,
        bytesPerSequence: kvBytesPerSequence(changed, tokens, tokensPerBlock),
        sequences: sequencesThatFit(changed, poolBytes, tokens, tokensPerBlock),
      }));
    }),
  );
}
