import { type KvLayout, kvPrecisionBits } from "./kv-layout.ts";

/**
 * Bytes that a token takes on one rank: layers x 2 x ceil(kvHeads / tensorParallel) x headSize x bytes of an element,
 * or, with latent attention, layers x (rank + ropeSize) x bytes on every rank. With context parallelism a rank holds its
 * part of the tokens. Layers with a sliding window count as the others: see `kvBytesPerSequence`.
 * Source: "KV cache" in TensorRT-LLM's documentation.
 */
export function kvBytesPerToken(layout: KvLayout): number {
  return layout.layers * bytesPerLayer(layout);
}

/**
 * Bytes that a sequence of so many tokens takes on one rank, in whole blocks. Layers with a sliding window hold the
 * window at most.
 */
export function kvBytesPerSequence(layout: KvLayout, tokens: number, tokensPerBlock: number): number {
  const { layers, slidingWindow = { tokens: 0, layers: 0 } } = layout;
  const held = (limit: number) => blocksFor(Math.min(tokens, limit), tokensPerBlock) * tokensPerBlock;
  const tokenLayers =
    (layers - slidingWindow.layers) * held(tokens) + slidingWindow.layers * held(slidingWindow.tokens);
  return tokenLayers * bytesPerLayer(layout);
}

/** Blocks that hold so many tokens. */
export function blocksFor(tokens: number, tokensPerBlock: number): number {
  return Math.ceil(tokens / tokensPerBlock);
}

function bytesPerLayer({
  kvHeads,
  headSize,
  latent,
  precision,
  tensorParallel = 1,
  contextParallel = 1,
}: KvLayout): number {
  const elements = latent
    ? latent.rank + latent.ropeSize
    : 2 * Math.ceil(kvHeads / tensorParallel) * headSize;
  return (elements * kvPrecisionBits[precision]) / 8 / contextParallel;
}
