import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { quantizeModel, type Toolchain, type WeightQuantization } from "../src/index.ts";
import { type Matrix, type Rank, readRank } from "./checkpoint-values.ts";
import { randomShape, writeRandomModel } from "./random-model.ts";

export const modelOptFormats = [
  ...(["none", "fp8", "fp8-rowwise", "nvfp4", "int8-smoothquant", "int4-awq", "w4a8-awq"] as const),
] satisfies WeightQuantization[];

const texts = ["The capital of France is Paris.", "Water boils at one hundred degrees.", "One, two, three."];
const tensor = 2;
const pipeline = 2;

export async function writeTexts(folder: string): Promise<string> {
  const path = join(folder, "texts.txt");
  await writeFile(path, texts.join("\n\n"));
  return path;
}

/** What holds of every checkpoint that quantize.py makes, with ModelOpt as with its stand-in. */
export function describeCheckpoints(title: string, tools: Toolchain): void {
  describe(title, () => {
    let folder: string;
    let weights: Map<string, Float32Array>;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "checkpoint-"));
      weights = await writeRandomModel(join(folder, "model"));
      await writeTexts(folder);
    });
    afterAll(() => rm(folder, { recursive: true }));

    it.each(modelOptFormats)(
      "gives the source back within what %s can hold, put together from 2 x 2 ranks",
      async (format) => {
        const { output } = await quantizeModel(
          {
            model: join(folder, "model"),
            output: join(folder, format),
            target: format === "none" ? "embedded" : "tensorrt-llm",
            quantization: {
              weights: format,
              ...(!["none", "fp8-rowwise"].includes(format) && {
                calibration: { dataset: join(folder, "texts.txt"), maxTokens: 32 },
              }),
            },
            parallel: { tensor, pipeline },
          },
          { tools },
        );
        const config = JSON.parse(await readFile(join(output, "config.json"), "utf8"));
        expect(config).toMatchObject({
          architecture: "LlamaForCausalLM",
          mapping: { world_size: 4, tp_size: tensor, pp_size: pipeline },
          quantization: { quant_algo: algorithms[format] },
        });
        const ranks = await Promise.all([0, 1, 2, 3].map((rank) => readRank(output, rank)));
        for (const [rank, { headers }] of ranks.entries()) {
          expect([...headers.keys()].sort()).toEqual(expectedNames(format, rank));
          for (const { name, dtype } of headers.values())
            expect(dtype, name).toBe(expectedType(format, name));
        }
        for (const [name, source] of weights) {
          const error = compare(mergedMatrix(ranks, name), source);
          expect(error.worst, name).toBeLessThanOrEqual(1);
          const quantized = name.includes("_proj") && format !== "none";
          // Nothing is lost of what is not quantized, and something of what is.
          expect(error.mean > 0, name).toBe(quantized);
        }
      },
    );
  });
}

const algorithms: Readonly<Record<(typeof modelOptFormats)[number], string | null>> = {
  none: null,
  fp8: "FP8",
  "fp8-rowwise": "FP8_PER_CHANNEL_PER_TOKEN",
  nvfp4: "NVFP4",
  "int8-smoothquant": "W8A8_SQ_PER_CHANNEL",
  "int4-awq": "W4A16_AWQ",
  "w4a8-awq": "W4A8_AWQ",
};

/** Beside the weight, of each matrix of a layer. Source: the checkpoint format of TensorRT-LLM's documentation. */
const fields: Readonly<Record<(typeof modelOptFormats)[number], readonly string[]>> = {
  none: [],
  fp8: ["weights_scaling_factor", "activation_scaling_factor"],
  "fp8-rowwise": ["per_channel_scale"],
  nvfp4: ["weights_scaling_factor", "weights_scaling_factor_2", "activation_scaling_factor"],
  "int8-smoothquant": ["weights_scaling_factor", "prequant_scaling_factor", "activation_scaling_factor"],
  "int4-awq": ["weights_scaling_factor", "prequant_scaling_factor"],
  "w4a8-awq": [
    ...["weights_scaling_factor", "weights_scaling_factor_2", "prequant_scaling_factor"],
    "activation_scaling_factor",
  ],
};

const weightTypes: Readonly<Record<(typeof modelOptFormats)[number], string>> = {
  none: "BF16",
  fp8: "F8_E4M3",
  "fp8-rowwise": "F8_E4M3",
  nvfp4: "U8",
  "int8-smoothquant": "I8",
  "int4-awq": "I8",
  "w4a8-awq": "I8",
};

const matrices = ["attention.qkv", "attention.dense", "mlp.fc", "mlp.gate", "mlp.proj"];

function expectedNames(format: (typeof modelOptFormats)[number], rank: number): string[] {
  const layers = Array.from({ length: randomShape.layers / pipeline }, (_, i) => `transformer.layers.${i}`);
  const names = layers.flatMap((layer) => [
    ...matrices.flatMap((module) =>
      ["weight", ...fields[format]].map((field) => `${layer}.${module}.${field}`),
    ),
    `${layer}.input_layernorm.weight`,
    `${layer}.post_layernorm.weight`,
  ]);
  const ends =
    rank < tensor ? ["transformer.vocab_embedding.weight"] : ["transformer.ln_f.weight", "lm_head.weight"];
  return [...names, ...ends].sort();
}

function expectedType(format: (typeof modelOptFormats)[number], name: string): string {
  if (name.endsWith(".prequant_scaling_factor")) return "BF16";
  if (name.endsWith(".weight"))
    return matrices.some((module) => name.includes(module)) ? weightTypes[format] : "BF16";
  return format === "nvfp4" && name.endsWith(".weights_scaling_factor") ? "F8_E4M3" : "F32";
}

/** The tensor that transformers calls `name`. */
export function mergedMatrix(ranks: readonly Rank[], name: string): Matrix {
  const [, layer] = /layers\.(\d+)\./.exec(name) ?? [];
  const perStage = randomShape.layers / pipeline;
  const stage =
    layer === undefined
      ? name.startsWith("model.embed")
        ? 0
        : pipeline - 1
      : Math.floor(Number(layer) / perStage);
  const parts = ranks.slice(stage * tensor, (stage + 1) * tensor);
  const local = `transformer.layers.${Number(layer) % perStage}`;
  const one = (module: string) => parts.map((rank) => rank.matrix(module));
  const { heads, kvHeads, headSize } = randomShape;
  const query = (heads / tensor) * headSize;
  const keys = (kvHeads / tensor) * headSize;
  const rows = (module: string, start: number, end: number) =>
    one(module).map((part) => cutRows(part, start, end));
  if (name.endsWith("norm.weight")) {
    const module = name.includes("input_")
      ? "input_layernorm"
      : name.includes("post_")
        ? "post_layernorm"
        : "";
    return parts[0]!.vector(module ? `${local}.${module}` : "transformer.ln_f");
  }
  if (name.includes("embed_tokens")) return stack(one("transformer.vocab_embedding"));
  if (name.includes("lm_head")) return stack(one("lm_head"));
  if (name.includes("q_proj")) return stack(rows(`${local}.attention.qkv`, 0, query));
  if (name.includes("k_proj")) return stack(rows(`${local}.attention.qkv`, query, query + keys));
  if (name.includes("v_proj")) return stack(rows(`${local}.attention.qkv`, query + keys, query + 2 * keys));
  if (name.includes("o_proj")) return beside(one(`${local}.attention.dense`));
  if (name.includes("gate_proj")) return stack(one(`${local}.mlp.fc`));
  if (name.includes("up_proj")) return stack(one(`${local}.mlp.gate`));
  return beside(one(`${local}.mlp.proj`));
}

function cutRows({ inputs, values, bounds }: Matrix, start: number, end: number): Matrix {
  const cut = (array: Float64Array) => array.subarray(start * inputs, end * inputs);
  return { outputs: end - start, inputs, values: cut(values), bounds: cut(bounds) };
}

function stack(parts: readonly Matrix[]): Matrix {
  const join = (pick: (part: Matrix) => Float64Array) =>
    Float64Array.from(parts.flatMap((part) => [...pick(part)]));
  const outputs = parts.reduce((sum, part) => sum + part.outputs, 0);
  return {
    outputs,
    inputs: parts[0]!.inputs,
    values: join(({ values }) => values),
    bounds: join(({ bounds }) => bounds),
  };
}

function beside(parts: readonly Matrix[]): Matrix {
  const { outputs } = parts[0]!;
  const rows = Array.from({ length: outputs }, (_, row) => parts.map((part) => cutRows(part, row, row + 1)));
  const join = (pick: (part: Matrix) => Float64Array) =>
    Float64Array.from(rows.flatMap((row) => row.flatMap((part) => [...pick(part)])));
  const inputs = parts.reduce((sum, part) => sum + part.inputs, 0);
  return { outputs, inputs, values: join(({ values }) => values), bounds: join(({ bounds }) => bounds) };
}

/** `worst`: the largest error as a part of its bound. */
export function compare({ values, bounds }: Matrix, source: Float32Array): { worst: number; mean: number } {
  expect(values.length).toBe(source.length);
  let worst = 0;
  let sum = 0;
  for (const [i, value] of values.entries()) {
    const error = Math.abs(value - source[i]!);
    sum += error;
    if (error > 0) worst = Math.max(worst, error / bounds[i]!);
  }
  return { worst, mean: sum / values.length };
}
