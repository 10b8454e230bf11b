import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decoderConfig, decoderTensors, type Shape, safetensorsHeader } from "./model-files.ts";

/** Small enough for a second, large enough for groups of 128 weights on 2 x 2 ranks. */
export const randomShape: Shape = {
  layers: 4,
  hidden: 256,
  intermediate: 512,
  heads: 4,
  kvHeads: 2,
  headSize: 64,
  vocabulary: 320,
};

/** Writes a Llama with random weights in bfloat16 and a tokenizer; gives its matrices as numbers. */
export async function writeRandomModel(
  folder: string,
  shape = randomShape,
): Promise<Map<string, Float32Array>> {
  await mkdir(folder, { recursive: true });
  const config = decoderConfig(shape, "LlamaForCausalLM", "llama");
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const specs = decoderTensors(shape);
  const { header, dataBytes } = safetensorsHeader(specs);
  const random = generator(1);
  const bits = new Uint16Array(dataBytes / 2);
  const weights = new Map<string, Float32Array>();
  let start = 0;
  for (const [name, { shape: sizes }] of Object.entries(specs)) {
    const end = start + sizes.reduce((product, size) => product * size, 1);
    for (let i = start; i < end; i++)
      bits[i] = bfloat16(sizes.length === 1 ? 0.5 + random() : random() * 0.2 - 0.1);
    weights.set(name, Float32Array.from(bits.subarray(start, end), fromBfloat16));
    start = end;
  }
  await writeFile(join(folder, "model.safetensors"), Buffer.concat([header, Buffer.from(bits.buffer)]));
  await writeTokenizer(folder, shape.vocabulary);
  return weights;
}

const number = new Float32Array(1);
const asBits = new Uint32Array(number.buffer);

/** Cut off, not rounded: any bfloat16 will do. */
function bfloat16(value: number): number {
  number[0] = value;
  return asBits[0]! >>> 16;
}

export function fromBfloat16(bits: number): number {
  asBits[0] = bits << 16;
  return number[0]!;
}

/** Mulberry32: the same numbers from 0 to 1 for a seed, everywhere. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One token for each byte, and one that ends a text. */
async function writeTokenizer(folder: string, size: number): Promise<void> {
  const printable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let hidden = 256;
  const letters = Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(printable(byte) ? byte : hidden++),
  );
  const end = { id: 256, content: "<|end|>", special: true, normalized: false };
  const flags = { single_word: false, lstrip: false, rstrip: false };
  const merges = ["t h", "th e", "i n"];
  const merged = merges.map((merge) => merge.replace(" ", ""));
  const vocab = Object.fromEntries([...letters, end.content, ...merged].map((token, id) => [token, id]));
  if (Object.keys(vocab).length > size) throw new Error("The vocabulary is too small for its tokenizer.");
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const model = { type: "BPE", dropout: null, unk_token: null, byte_fallback: false, vocab, merges };
  const document = {
    ...{ version: "1.0", truncation: null, padding: null, added_tokens: [{ ...end, ...flags }] },
    ...{ normalizer: null, pre_tokenizer: byteLevel, post_processor: null, decoder: byteLevel, model },
  };
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(document));
  const settings = { tokenizer_class: "PreTrainedTokenizerFast", eos_token: end.content };
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify(settings));
}
