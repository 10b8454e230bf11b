import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface TensorSpec {
  readonly dtype: "F32" | "F16" | "BF16" | "I32" | "F8_E4M3";
  readonly shape: readonly number[];
}

const bytesPerElement = { F32: 4, F16: 2, BF16: 2, I32: 4, F8_E4M3: 1 };

/** Header of a safetensors file with these tensors, and the bytes that must follow it. */
export function safetensorsHeader(tensors: Readonly<Record<string, TensorSpec>>): {
  header: Buffer;
  dataBytes: number;
} {
  let end = 0;
  const entries = Object.entries(tensors).map(([name, { dtype, shape }]) => {
    const start = end;
    end += shape.reduce((product, size) => product * size, 1) * bytesPerElement[dtype];
    return [name, { dtype, shape, data_offsets: [start, end] }];
  });
  return { header: withLength(JSON.stringify(Object.fromEntries(entries))), dataBytes: end };
}

/** Text with its length before it, as a safetensors file begins. */
export function withLength(text: string): Buffer {
  const json = Buffer.from(text);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json]);
}

/** A safetensors file whose data is a hole: it takes no disk space, whatever its size. */
export async function writeSparseSafetensors(
  path: string,
  tensors: Readonly<Record<string, TensorSpec>>,
): Promise<number> {
  const { header, dataBytes } = safetensorsHeader(tensors);
  await using file = await open(path, "w");
  await file.write(header);
  await file.truncate(header.length + dataBytes);
  return dataBytes;
}

export interface Shape {
  readonly layers: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
  readonly tied?: boolean;
  readonly qkvBias?: boolean;
  readonly qkNorm?: boolean;
  readonly normsPerLayer?: 2 | 4;
  readonly experts?: { readonly count: number; readonly intermediate: number };
}

/** Tensors of a decoder as transformers names them. */
export function decoderTensors(
  shape: Shape,
  dtype: TensorSpec["dtype"] = "BF16",
): Record<string, TensorSpec> {
  const { hidden, heads, kvHeads, headSize, vocabulary, experts } = shape;
  const tensors: Record<string, TensorSpec> = {};
  const add = (name: string, ...sizes: number[]) => {
    tensors[name] = { dtype, shape: sizes };
  };
  const feedForward = (prefix: string, size: number) => {
    add(`${prefix}.gate_proj.weight`, size, hidden);
    add(`${prefix}.up_proj.weight`, size, hidden);
    add(`${prefix}.down_proj.weight`, hidden, size);
  };
  add("model.embed_tokens.weight", vocabulary, hidden);
  for (let i = 0; i < shape.layers; i++) {
    const layer = `model.layers.${i}`;
    const projections = { q_proj: heads, k_proj: kvHeads, v_proj: kvHeads };
    for (const [name, count] of Object.entries(projections)) {
      add(`${layer}.self_attn.${name}.weight`, count * headSize, hidden);
      if (shape.qkvBias) add(`${layer}.self_attn.${name}.bias`, count * headSize);
    }
    add(`${layer}.self_attn.o_proj.weight`, hidden, heads * headSize);
    if (shape.qkNorm)
      for (const name of ["q_norm", "k_norm"]) add(`${layer}.self_attn.${name}.weight`, headSize);
    if (experts) {
      add(`${layer}.mlp.gate.weight`, experts.count, hidden);
      for (let e = 0; e < experts.count; e++) feedForward(`${layer}.mlp.experts.${e}`, experts.intermediate);
    } else feedForward(`${layer}.mlp`, shape.intermediate);
    add(`${layer}.input_layernorm.weight`, hidden);
    add(`${layer}.post_attention_layernorm.weight`, hidden);
    if (shape.normsPerLayer === 4) {
      add(`${layer}.pre_feedforward_layernorm.weight`, hidden);
      add(`${layer}.post_feedforward_layernorm.weight`, hidden);
    }
  }
  add("model.norm.weight", hidden);
  if (!shape.tied) add("lm_head.weight", vocabulary, hidden);
  return tensors;
}

/** config.json of a decoder as transformers writes it. */
export function decoderConfig(
  shape: Shape,
  architecture: string,
  modelType: string,
): Record<string, unknown> {
  return {
    architectures: [architecture],
    model_type: modelType,
    torch_dtype: "bfloat16",
    hidden_size: shape.hidden,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headSize,
    intermediate_size: shape.intermediate,
    vocab_size: shape.vocabulary,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
    hidden_act: "silu",
    tie_word_embeddings: shape.tied ?? false,
    ...(shape.experts && {
      num_experts: shape.experts.count,
      num_experts_per_tok: 2,
      moe_intermediate_size: shape.experts.intermediate,
    }),
  };
}

/** A whole model directory; its weights are a hole. */
export async function writeModel(
  folder: string,
  shape: Shape,
  [architecture, modelType] = ["LlamaForCausalLM", "llama"] as const,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify(decoderConfig(shape, architecture, modelType)));
  await writeSparseSafetensors(join(folder, "model.safetensors"), decoderTensors(shape));
  return folder;
}

/** A small Llama with grouped-query attention. */
export const tinyShape: Shape = {
  layers: 2,
  hidden: 64,
  intermediate: 128,
  heads: 4,
  kvHeads: 2,
  headSize: 16,
  vocabulary: 256,
};
