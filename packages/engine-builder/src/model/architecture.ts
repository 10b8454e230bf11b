import type { ModelInfo } from "./model-info.ts";

/** The part of a model's description that its files' headers do not hold: what config.json or GGUF metadata says. */
export type Architecture = Pick<
  ModelInfo,
  | "architecture"
  | "family"
  | "layers"
  | "hiddenSize"
  | "intermediateSize"
  | "vocabularySize"
  | "maxPositions"
  | "attention"
  | "experts"
  | "quantization"
> & {
  /** `undefined` where neither says: the tensors tell. */
  readonly tiedEmbeddings: boolean | undefined;
  /** What the model was saved in. */
  readonly dtype: string | undefined;
};

/** Multi-head, grouped-query or multi-query, by the heads of queries and of keys and values. */
export function attentionKind(heads: number, kvHeads: number): "mha" | "gqa" | "mqa" {
  if (kvHeads === heads) return "mha";
  return kvHeads === 1 ? "mqa" : "gqa";
}
