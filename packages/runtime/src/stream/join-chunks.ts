import type { TokenChunk, TopLogProbs } from "@trtllm-node/core";
import { concatTokens } from "../concat-tokens.ts";

/** Tokens, and what was asked to be told of each. */
export interface ToldTokens {
  readonly tokens: Int32Array;
  /** Natural logarithms, one per token, where the request asked for them. */
  readonly logProbs?: Float32Array | undefined;
  /** The most likely tokens at each position, where the request asked for them. */
  readonly topLogProbs?: TopLogProbs | undefined;
}

/** At least one chunk of one answer. */
export function joinChunks(chunks: readonly TokenChunk[]): ToldTokens {
  const [first, ...rest] = chunks;
  if (rest.length === 0) {
    const { tokens, logProbs, topLogProbs } = first!;
    return logProbs === undefined ? { tokens } : { tokens, logProbs, topLogProbs };
  }
  const tokens = concatTokens(chunks.map((chunk) => chunk.tokens));
  if (first!.logProbs === undefined) return { tokens };
  const tops = chunks.flatMap(({ topLogProbs }) => topLogProbs ?? []);
  return {
    tokens,
    logProbs: concatFloats(chunks.map(({ logProbs }) => logProbs!)),
    topLogProbs: tops[0] && {
      perToken: tops[0].perToken,
      tokens: concatTokens(tops.map((top) => top.tokens)),
      logProbs: concatFloats(tops.map((top) => top.logProbs)),
    },
  };
}

function concatFloats(parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
