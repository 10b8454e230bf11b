import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensorsHeader } from "../src/model/safetensors.ts";
import type { TensorHeader } from "../src/model/tensor-header.ts";
import { fromBfloat16 } from "./random-model.ts";

/** A matrix of outputs x inputs: what the checkpoint says, and how far from the source each value may be. */
export interface Matrix {
  readonly outputs: number;
  readonly inputs: number;
  readonly values: Float64Array;
  readonly bounds: Float64Array;
}

export interface Rank {
  readonly headers: ReadonlyMap<string, TensorHeader>;
  /** The matrix of a module, such as "transformer.layers.0.mlp.fc". */
  matrix(module: string): Matrix;
  /** The weight of a norm. */
  vector(module: string): Matrix;
}

/** Reads one rank of a TensorRT-LLM checkpoint. Written apart from python/merge_ranks.py, so that either can be wrong. */
export async function readRank(folder: string, rank: number): Promise<Rank> {
  const path = join(folder, `rank${rank}.safetensors`);
  const headers = new Map((await readSafetensorsHeader(path)).map((header) => [header.name, header]));
  const data = await readFile(path);
  const read = (name: string) => {
    const header = headers.get(name);
    if (header === undefined) return undefined;
    const bytes = data.subarray(header.offset, header.offset + header.bytes);
    return { ...header, numbers: decode(header.dtype, bytes) };
  };
  return {
    headers,
    matrix: (module) => dequantize((field) => read(`${module}.${field}`)),
    vector: (module) => {
      const values = read(`${module}.weight`)!.numbers;
      return { outputs: 1, inputs: values.length, values, bounds: new Float64Array(values.length) };
    },
  };
}

interface Tensor extends TensorHeader {
  readonly numbers: Float64Array;
}

function dequantize(field: (name: string) => Tensor | undefined): Matrix {
  const weight = field("weight")!;
  const scale = field("weights_scaling_factor") ?? field("per_channel_scale");
  const smoothing = field("prequant_scaling_factor")?.numbers;
  const fp4 = weight.dtype === "U8";
  const int4 = weight.dtype === "I8" && scale!.shape.length === 2;
  const outputs = weight.shape[0]! * (int4 ? 2 : 1);
  const inputs = weight.shape[1]! * (fp4 ? 2 : 1);
  const whole = fp4 ? field("weights_scaling_factor_2")!.numbers[0]! : 1;
  const values = new Float64Array(outputs * inputs);
  const bounds = new Float64Array(outputs * inputs);
  for (let row = 0; row < outputs; row++) {
    for (let column = 0; column < inputs; column++) {
      const at = row * inputs + column;
      const factor = whole * scaleAt(scale, row, column, inputs) * (smoothing?.[column] ?? 1);
      const stored = fp4
        ? fp4Values[half(weight.numbers[at >> 1]!, at & 1)]!
        : int4
          ? signed4(half(weight.numbers[(row >> 1) * inputs + column]!, row & 1))
          : weight.numbers[at]!;
      values[at] = stored * factor;
      bounds[at] = errorBound(weight.dtype, Math.abs(values[at]!), factor);
    }
  }
  return { outputs, inputs, values, bounds };
}

/** One scale for the matrix, one a row, or one for each group of a row. */
function scaleAt(scale: Tensor | undefined, row: number, column: number, inputs: number): number {
  if (scale === undefined) return 1;
  if (scale.numbers.length === 1) return scale.numbers[0]!;
  if (scale.shape.length === 1) return scale.numbers[row]!;
  const groups = scale.shape[1]!;
  return scale.numbers[row * groups + Math.floor((column * groups) / inputs)]!;
}

/** Half a step of the format at the value, and what rounding smoothed weights to bfloat16 adds, their largest one too. */
function errorBound(dtype: string, value: number, factor: number): number {
  switch (dtype) {
    case "BF16":
      return 0;
    // 4 significant bits; below 2^-6 steps of 2^-9.
    case "F8_E4M3":
      return value / 15 + factor / 512;
    // The widest step is from 4 to 6. A block's scale is rounded too, by a 16th at most.
    case "U8":
      return factor * 1.01;
    case "I8":
      return factor * 0.53 + value / 128;
    default:
      throw new Error(`${dtype} is no type of a matrix.`);
  }
}

/** Sign, and E2M1. */
const fp4Values = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];

function half(byte: number, upper: number): number {
  return upper ? (byte >> 4) & 15 : byte & 15;
}

function signed4(bits: number): number {
  return bits > 7 ? bits - 16 : bits;
}

function decode(dtype: string, bytes: Buffer): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (dtype) {
    case "F32":
      return Float64Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
    case "BF16":
      return Float64Array.from({ length: bytes.length / 2 }, (_, i) =>
        fromBfloat16(view.getUint16(2 * i, true)),
      );
    case "F8_E4M3":
      return Float64Array.from(bytes, fromE4m3);
    case "U8":
      return Float64Array.from(bytes);
    case "I8":
      return Float64Array.from(bytes, (byte) => (byte << 24) >> 24);
    default:
      throw new Error(`${dtype} is not decoded here.`);
  }
}

function fromE4m3(bits: number): number {
  const exponent = (bits >> 3) & 15;
  const fraction = bits & 7;
  const size = exponent === 0 ? (fraction / 8) * 2 ** -6 : (1 + fraction / 8) * 2 ** (exponent - 7);
  return bits & 128 ? -size : size;
}
