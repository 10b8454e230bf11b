import type { Architecture } from "./architecture.ts";
import type { WeightGroups } from "./model-info.ts";
import { elementCount, type TensorHeader } from "./tensor-header.ts";

const inLayer = /(?:^|\.)(?:layers|blk|h|blocks|block)\.\d+\./;
const router = /(?:router|gate_inp|(?:mlp|moe|block_sparse_moe|ffn)\.gate)\b/;
const norm = /norm|\bln_|layernorm/i;
const vision = /vision|visual|multi_modal|image_newline|audio/;

/** Sums the parameters of an unquantized checkpoint (or a GGUF, whose shapes stay those of the model). */
export function weightGroupsOfTensors(tensors: readonly TensorHeader[]): WeightGroups {
  const groups = { embedding: 0, head: 0, attention: 0, feedForward: 0, experts: 0, other: 0 };
  for (const { name, shape } of tensors) groups[groupOf(name, shape)] += elementCount(shape);
  return groups;
}

function groupOf(name: string, shape: readonly number[]): keyof WeightGroups {
  if (vision.test(name) || shape.length < 2) return "other";
  if (!inLayer.test(name)) {
    if (/embed_tokens|wte\.|token_embd\.|word_embeddings\.|vocab_embedding|embed_in\./.test(name))
      return "embedding";
    return /lm_head|^output\.weight$|embed_out|output_layer/.test(name) ? "head" : "other";
  }
  if (norm.test(name) || router.test(name)) return "other";
  if (/shared_expert|shexp/.test(name)) return "feedForward";
  if (/experts|_exps/.test(name)) return "experts";
  return /attn|attention/.test(name) ? "attention" : "feedForward";
}

/** Norm vectors of hidden size in a layer, biases on queries, keys and values, norms on queries and keys. */
interface Trimmings {
  readonly norms: number;
  readonly qkvBias: boolean;
  readonly qkNorm: boolean;
}

/** Families of gated feed-forward layers whose small parts are known. Source: modeling_*.py of transformers 4.57. */
const families: Readonly<Record<string, Trimmings>> = {
  llama: { norms: 2, qkvBias: false, qkNorm: false },
  mistral: { norms: 2, qkvBias: false, qkNorm: false },
  mixtral: { norms: 2, qkvBias: false, qkNorm: false },
  phi3: { norms: 2, qkvBias: false, qkNorm: false },
  granite: { norms: 2, qkvBias: false, qkNorm: false },
  qwen2: { norms: 2, qkvBias: true, qkNorm: false },
  qwen2_moe: { norms: 2, qkvBias: true, qkNorm: false },
  qwen3: { norms: 2, qkvBias: false, qkNorm: true },
  qwen3_moe: { norms: 2, qkvBias: false, qkNorm: true },
  gemma: { norms: 2, qkvBias: false, qkNorm: false },
  gemma2: { norms: 4, qkvBias: false, qkNorm: false },
  gemma3_text: { norms: 4, qkvBias: false, qkNorm: true },
};

/**
 * The parameters that a model of this shape has, from its shape alone; `undefined` for other families.
 *
 * Per layer, with h the hidden size, q and kv the elements of all query and all key heads, f the feed-forward size:
 * attention 2·h·q + 2·h·kv, feed-forward 3·h·f (gate, up, down), experts 3·h·f each.
 */
export function weightGroupsOfShape(model: Architecture): WeightGroups | undefined {
  const trimmings = families[model.family];
  if (trimmings === undefined || model.attention.kind === "mla") return undefined;
  const { layers, hiddenSize: h, vocabularySize, experts } = model;
  const q = model.attention.heads * model.attention.headSize;
  const kv = model.attention.kvHeads * model.attention.headSize;
  const small =
    trimmings.norms * h +
    (trimmings.qkvBias ? q + 2 * kv : 0) +
    (trimmings.qkNorm ? 2 * model.attention.headSize : 0) +
    (experts ? experts.count * h + (experts.sharedIntermediateSize > 0 ? h : 0) : 0);
  return {
    embedding: vocabularySize * h,
    head: model.tiedEmbeddings ? 0 : vocabularySize * h,
    attention: layers * (2 * h * q + 2 * h * kv),
    feedForward: layers * 3 * h * (experts ? experts.sharedIntermediateSize : model.intermediateSize),
    experts: experts ? layers * experts.count * 3 * h * experts.intermediateSize : 0,
    other: layers * small + h,
  };
}

export function totalParameters(groups: WeightGroups): number {
  return Object.values(groups).reduce((sum, parameters) => sum + parameters, 0);
}
