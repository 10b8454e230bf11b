/** Bits of one stored key or value element, with its share of the scales. */
export const kvPrecisionBits = {
  float32: 32,
  float16: 16,
  bfloat16: 16,
  fp8: 8,
  int8: 8,
  /** 4 bits, and an FP8 scale for 16 of them. */
  nvfp4: 4.5,
} as const;

export type KvPrecision = keyof typeof kvPrecisionBits;

/** What a model stores of a token, and how it is spread over GPUs. Sizes without a unit are counts of elements. */
export interface KvLayout {
  /** Layers that one rank holds. */
  readonly layers: number;
  /** Heads of keys and values: as many as of queries (MHA), fewer (GQA), one (MQA). */
  readonly kvHeads: number;
  readonly headSize: number;
  /** Multi-head latent attention: what is stored for each token and layer instead of keys and values. */
  readonly latent?: { readonly rank: number; readonly ropeSize: number } | undefined;
  /** So many of the layers look no further back than so many tokens, and hold no more of them. */
  readonly slidingWindow?: { readonly tokens: number; readonly layers: number } | undefined;
  readonly precision: KvPrecision;
  /** Ranks that share the heads. Where there are more ranks than heads, heads are repeated. Default 1. */
  readonly tensorParallel?: number | undefined;
  /** Ranks that share the tokens. Default 1. */
  readonly contextParallel?: number | undefined;
}
