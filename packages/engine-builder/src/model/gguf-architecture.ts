import { ModelError } from "../errors.ts";
import { type Architecture, attentionKind } from "./architecture.ts";
import type { GgufArray, GgufHeader } from "./gguf.ts";

/**
 * What a GGUF's metadata says of the model's shape. Source of the keys: ggml/docs/gguf.md.
 * @throws ModelError where it says too little
 */
export function readGgufArchitecture({ metadata, tensors }: GgufHeader, path: string): Architecture {
  const architecture = metadata.get("general.architecture");
  if (typeof architecture !== "string") {
    throw new ModelError("ERR_MODEL_UNSUPPORTED", `${path} does not name its architecture.`, path);
  }

  function optional(key: string): number | undefined {
    const value = metadata.get(`${architecture}.${key}`);
    if (typeof value === "number" || typeof value === "bigint") return Number(value);
    // A value per layer: the largest bounds what the layers need.
    const values = (value as GgufArray | undefined)?.values;
    return values && values.length > 0 ? Math.max(...values) : undefined;
  }
  function required(key: string): number {
    const value = optional(key);
    if (value !== undefined && value >= 1) return value;
    throw new ModelError("ERR_MODEL_UNSUPPORTED", `${path} does not say ${architecture}.${key}.`, path);
  }

  const heads = required("attention.head_count");
  const kvHeads = optional("attention.head_count_kv") ?? heads;
  const hiddenSize = required("embedding_length");
  const layers = required("block_count");
  const expertCount = optional("expert_count");
  const window = optional("attention.sliding_window");
  const rank = optional("attention.kv_lora_rank");
  const intermediateSize = optional("feed_forward_length") ?? 4 * hiddenSize;
  return {
    architecture,
    family: architecture,
    layers,
    hiddenSize,
    intermediateSize,
    vocabularySize: optional("vocab_size") ?? vocabularyLength(metadata) ?? required("vocab_size"),
    maxPositions: optional("context_length"),
    tiedEmbeddings: !tensors.some(({ name }) => name === "output.weight"),
    dtype: undefined,
    attention: {
      kind: rank ? "mla" : attentionKind(heads, kvHeads),
      heads,
      kvHeads,
      headSize: optional("attention.key_length") ?? hiddenSize / heads,
      slidingWindow: window ? { tokens: window, layers } : undefined,
      latent: rank ? { rank, ropeSize: required("rope.dimension_count") } : undefined,
    },
    experts: expertCount
      ? {
          count: expertCount,
          perToken: required("expert_used_count"),
          intermediateSize: optional("expert_feed_forward_length") ?? intermediateSize,
          sharedIntermediateSize: optional("expert_shared_feed_forward_length") ?? 0,
        }
      : undefined,
    quantization: undefined,
  };
}

function vocabularyLength(metadata: GgufHeader["metadata"]): number | undefined {
  const tokens = metadata.get("tokenizer.ggml.tokens");
  return typeof tokens === "object" ? tokens.length : undefined;
}
