import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A LoRA adapter for the test model, SmolLM2-135M, whose numbers are drawn. */
export interface AdapterSpec {
  readonly seed: number;
  /** Default: 8. */
  readonly rank?: number;
  /** `lora_alpha`. Default: 16. */
  readonly alpha?: number;
  /** Default: all. */
  readonly modules?: readonly Module[];
}

type Module = keyof typeof shapes;

const layers = 30;
const [hidden, heads, kvHeads, headSize, intermediate] = [576, 9, 3, 64, 1536];

/** [in, out] of the matrices by Hugging Face's names, and what GGUF calls them. */
const shapes = {
  "self_attn.q_proj": { in: hidden, out: heads * headSize, gguf: "attn_q", heads },
  "self_attn.k_proj": { in: hidden, out: kvHeads * headSize, gguf: "attn_k", heads: kvHeads },
  "self_attn.v_proj": { in: hidden, out: kvHeads * headSize, gguf: "attn_v" },
  "self_attn.o_proj": { in: heads * headSize, out: hidden, gguf: "attn_output" },
  "mlp.gate_proj": { in: hidden, out: intermediate, gguf: "ffn_gate" },
  "mlp.up_proj": { in: hidden, out: intermediate, gguf: "ffn_up" },
  "mlp.down_proj": { in: intermediate, out: hidden, gguf: "ffn_down" },
} as const;

interface Tensor {
  readonly name: string;
  readonly shape: readonly [rows: number, columns: number];
  readonly values: Float32Array;
}

/** Writes it as Hugging Face PEFT does, and returns the folder. */
export async function writePeftAdapter(folder: string, spec: AdapterSpec): Promise<string> {
  const tensors = pairs(spec).flatMap(({ layer, module, a, b }) => {
    const name = `base_model.model.model.layers.${layer}.${module}`;
    return [
      { ...a, name: `${name}.lora_A.weight` },
      { ...b, name: `${name}.lora_B.weight` },
    ];
  });
  return writePeft(folder, spec, tensors);
}

/** An adapter for the synthetic engine: q of its first layer, from 2 to 3. */
export async function writeSyntheticAdapter(folder: string): Promise<string> {
  const name = "base_model.model.model.layers.0.self_attn.q_proj";
  return writePeft(folder, { rank: 1 }, [
    { name: `${name}.lora_A.weight`, shape: [1, 2], values: Float32Array.of(1, 2) },
    { name: `${name}.lora_B.weight`, shape: [3, 1], values: Float32Array.of(3, 4, 5) },
  ]);
}

async function writePeft(
  folder: string,
  { rank = 8, alpha = 16 }: Omit<AdapterSpec, "seed">,
  tensors: readonly Tensor[],
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const config = { peft_type: "LORA", r: rank, lora_alpha: alpha, bias: "none" };
  await writeFile(join(folder, "adapter_config.json"), JSON.stringify(config));
  await writeFile(join(folder, "adapter_model.safetensors"), safetensors(tensors));
  return folder;
}

/** The same adapter as llama.cpp takes it. */
export async function writeGgufAdapter(file: string, spec: AdapterSpec): Promise<string> {
  const tensors = pairs(spec).flatMap(({ layer, module, a, b }) => {
    const shape = shapes[module];
    const name = `blk.${layer}.${shape.gguf}.weight`;
    const rows = "heads" in shape ? interleaved(b, shape.heads) : b;
    return [
      { ...a, name: `${name}.lora_a` },
      { ...rows, name: `${name}.lora_b` },
    ];
  });
  await writeFile(file, gguf(tensors, spec.alpha ?? 16));
  return file;
}

function safetensors(tensors: readonly Tensor[]): Buffer {
  let end = 0;
  const header = tensors.map(({ name, shape, values }) => {
    const begin = end;
    end += values.byteLength;
    return [name, { dtype: "F32", shape, data_offsets: [begin, end] }];
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  return Buffer.concat([u64(json.length), json, ...tensors.map(({ values }) => bytes(values))]);
}

function gguf(tensors: readonly Tensor[], alpha: number): Buffer {
  const texts = {
    "general.type": "adapter",
    "general.architecture": "llama",
    "adapter.type": "lora",
  };
  const head = [Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(Object.keys(texts).length + 1)];
  for (const [key, value] of Object.entries(texts)) head.push(text(key), u32(8), text(value));
  head.push(text("adapter.lora.alpha"), u32(6), bytes(Float32Array.of(alpha)));
  let offset = 0; // every tensor has a multiple of 32 bytes, which they are aligned to
  for (const { name, shape, values } of tensors) {
    head.push(text(name), u32(2), u64(shape[1]), u64(shape[0]), u32(0), u64(offset));
    offset += values.byteLength;
  }
  const header = Buffer.concat(head);
  const padding = Buffer.alloc((32 - (header.length % 32)) % 32);
  return Buffer.concat([header, padding, ...tensors.map(({ values }) => bytes(values))]);
}

function pairs({ seed, rank = 8, modules = Object.keys(shapes) as Module[] }: AdapterSpec) {
  const draw = drawing(seed);
  const matrix = (rows: number, columns: number) => ({
    shape: [rows, columns] as const,
    values: Float32Array.from({ length: rows * columns }, () => (draw() - 0.5) / 8),
  });
  return Array.from({ length: layers }, (_, layer) =>
    modules.map((module) => {
      const { in: columns, out: rows } = shapes[module];
      return { layer, module, a: matrix(rank, columns), b: matrix(rows, rank) };
    }),
  ).flat();
}

/** In a head of Hugging Face row i and row i + half are rotated together; GGUF has them one behind the other. */
function interleaved<T extends Pick<Tensor, "shape" | "values">>({ shape, values }: T, heads: number) {
  const [rows, columns] = shape;
  const size = rows / heads;
  const target = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const within = row % size;
    const from = row - within + Math.floor(within / 2) + (within % 2) * (size / 2);
    target.set(values.subarray(from * columns, (from + 1) * columns), row * columns);
  }
  return { shape, values: target };
}

/** Numbers from 0 to 1 (mulberry32). */
function drawing(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function bytes({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function u64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}

function text(value: string): Buffer {
  return Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
}
