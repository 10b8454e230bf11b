import { z } from "zod";
import { ModelError } from "../errors.ts";
import { type Architecture, attentionKind } from "./architecture.ts";
import type { Attention, Experts, SlidingWindow, StoredQuantization } from "./model-info.ts";

const count = z
  .int()
  .min(1)
  .max(2 ** 40);
const maybe = count.nullish();

/** The keys of config.json that matter here, with the names that different families give them. */
const configSchema = z.object({
  architectures: z.array(z.string()).nullish(),
  model_type: z.string().nullish(),
  torch_dtype: z.string().nullish(),
  dtype: z.string().nullish(),
  hidden_size: maybe,
  n_embd: maybe,
  d_model: maybe,
  num_hidden_layers: maybe,
  n_layer: maybe,
  n_layers: maybe,
  num_layers: maybe,
  num_attention_heads: maybe,
  n_head: maybe,
  n_heads: maybe,
  num_key_value_heads: maybe,
  num_kv_heads: maybe,
  multi_query: z.boolean().nullish(),
  multi_query_attention: z.boolean().nullish(),
  multi_query_group_num: maybe,
  head_dim: maybe,
  kv_channels: maybe,
  intermediate_size: maybe,
  ffn_hidden_size: maybe,
  ffn_dim: maybe,
  n_inner: maybe,
  vocab_size: maybe,
  padded_vocab_size: maybe,
  max_position_embeddings: maybe,
  n_positions: maybe,
  max_sequence_length: maybe,
  seq_length: maybe,
  tie_word_embeddings: z.boolean().nullish(),
  sliding_window: maybe,
  use_sliding_window: z.boolean().nullish(),
  max_window_layers: z.int().min(0).nullish(),
  sliding_window_pattern: maybe,
  layer_types: z.array(z.string()).nullish(),
  kv_lora_rank: maybe,
  qk_rope_head_dim: maybe,
  num_local_experts: maybe,
  num_experts: maybe,
  n_routed_experts: maybe,
  num_experts_per_tok: maybe,
  moe_intermediate_size: maybe,
  shared_expert_intermediate_size: z.int().min(0).nullish(),
  n_shared_experts: z.int().min(0).nullish(),
  quantization_config: z
    .object({
      quant_method: z.string().nullish(),
      quant_algo: z.string().nullish(),
      bits: maybe,
      group_size: z.int().nullish(),
      load_in_4bit: z.boolean().nullish(),
    })
    .nullish(),
});

type Config = z.infer<typeof configSchema>;

/** Families whose head is the embedding unless config.json says otherwise. Source: their classes in transformers. */
const tiedByDefault = new Set([
  "gemma",
  "gemma2",
  "gemma3",
  "gemma3_text",
  "gpt2",
  "gpt_bigcode",
  "opt",
  "bloom",
  "cohere",
]);

/**
 * What a config.json of Hugging Face transformers says of the model's shape. Of a model that also sees or hears,
 * the text part.
 * @param document the parsed JSON
 * @throws ModelError
 */
export function readHuggingFaceConfig(document: unknown, path: string): Architecture {
  const outer = parse(document, path);
  const textPart = (document as { text_config?: unknown }).text_config;
  const config =
    textPart === undefined ? outer : { ...parse(textPart, path), architectures: outer.architectures };

  const architecture = config.architectures?.[0];
  if (architecture === undefined) throw incomplete(path, "architectures");
  const family = config.model_type ?? architecture;
  const hiddenSize = required(path, "hidden_size", config.hidden_size, config.n_embd, config.d_model);
  const layers = required(
    path,
    "num_hidden_layers",
    config.num_hidden_layers,
    config.n_layer,
    config.n_layers,
    config.num_layers,
  );
  return {
    architecture,
    family,
    layers,
    hiddenSize,
    intermediateSize:
      config.intermediate_size ??
      config.ffn_hidden_size ??
      config.ffn_dim ??
      config.n_inner ??
      4 * hiddenSize,
    vocabularySize: required(path, "vocab_size", config.vocab_size, config.padded_vocab_size),
    maxPositions:
      config.max_position_embeddings ??
      config.n_positions ??
      config.max_sequence_length ??
      config.seq_length ??
      undefined,
    tiedEmbeddings: config.tie_word_embeddings ?? outer.tie_word_embeddings ?? tiedByDefault.has(family),
    dtype: config.dtype ?? config.torch_dtype ?? outer.dtype ?? outer.torch_dtype ?? undefined,
    attention: attention(config, path, family, hiddenSize, layers),
    experts: experts(config, path),
    quantization: quantization(outer),
  };
}

function parse(document: unknown, path: string): Config {
  const parsed = configSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join(".") || "the document";
  throw new ModelError(
    "ERR_MODEL_CORRUPT",
    `${path} is no model's config.json: ${where}: ${issue?.message}.`,
    path,
  );
}

function attention(
  config: Config,
  path: string,
  family: string,
  hiddenSize: number,
  layers: number,
): Attention {
  const heads = required(
    path,
    "num_attention_heads",
    config.num_attention_heads,
    config.n_head,
    config.n_heads,
  );
  const single = config.multi_query === true ? 1 : undefined;
  const groups = config.multi_query_attention === true ? config.multi_query_group_num : undefined;
  const kvHeads = config.num_key_value_heads ?? config.num_kv_heads ?? groups ?? single ?? heads;
  if (heads % kvHeads !== 0) {
    const problem = `${heads} attention heads cannot share ${kvHeads} key and value heads`;
    throw new ModelError("ERR_MODEL_CORRUPT", `${path}: ${problem}.`, path);
  }
  const headSize = config.head_dim ?? config.kv_channels ?? hiddenSize / heads;
  if (!Number.isInteger(headSize)) throw incomplete(path, "head_dim");
  const latent =
    config.kv_lora_rank && config.qk_rope_head_dim
      ? { rank: config.kv_lora_rank, ropeSize: config.qk_rope_head_dim }
      : undefined;
  return {
    kind: latent ? "mla" : attentionKind(heads, kvHeads),
    heads,
    kvHeads,
    headSize,
    slidingWindow: slidingWindow(config, family, layers),
    latent,
  };
}

/** Source: the configuration classes of transformers 4.57 for mistral, qwen2, gemma2 and gemma3. */
function slidingWindow(config: Config, family: string, layers: number): SlidingWindow | undefined {
  const tokens = config.sliding_window;
  if (!tokens || config.use_sliding_window === false) return undefined;
  if (config.layer_types) {
    const sliding = config.layer_types.filter((type) => type === "sliding_attention").length;
    return sliding === 0 ? undefined : { tokens, layers: Math.min(sliding, layers) };
  }
  if (family.startsWith("qwen")) {
    const sliding = layers - Math.min(config.max_window_layers ?? 28, layers);
    return sliding === 0 ? undefined : { tokens, layers: sliding };
  }
  // Gemma 2: every second layer; Gemma 3: five of six.
  const pattern =
    config.sliding_window_pattern ?? (family === "gemma2" ? 2 : family.startsWith("gemma3") ? 6 : undefined);
  return { tokens, layers: pattern === undefined ? layers : layers - Math.floor(layers / pattern) };
}

function experts(config: Config, path: string): Experts | undefined {
  const number = config.num_local_experts ?? config.num_experts ?? config.n_routed_experts;
  if (!number || number === 1) return undefined;
  const intermediateSize = required(
    path,
    "moe_intermediate_size",
    config.moe_intermediate_size,
    config.intermediate_size,
  );
  return {
    count: number,
    perToken: required(path, "num_experts_per_tok", config.num_experts_per_tok),
    intermediateSize,
    sharedIntermediateSize:
      config.shared_expert_intermediate_size ?? (config.n_shared_experts ?? 0) * intermediateSize,
  };
}

function quantization({ quantization_config: stored }: Config): StoredQuantization | undefined {
  if (!stored) return undefined;
  const method = stored.quant_method ?? stored.quant_algo ?? "unknown";
  const bits = stored.bits ?? (stored.load_in_4bit ? 4 : undefined);
  const groupSize = stored.group_size && stored.group_size > 0 ? stored.group_size : undefined;
  return { method: method.toLowerCase(), bits, groupSize };
}

function required(path: string, key: string, ...candidates: (number | null | undefined)[]): number {
  const found = candidates.find((candidate) => candidate != null);
  if (found == null) throw incomplete(path, key);
  return found;
}

function incomplete(path: string, key: string): ModelError {
  return new ModelError(
    "ERR_MODEL_UNSUPPORTED",
    `${path} does not say ${key}, so the model's shape is unknown.`,
    path,
  );
}
