import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuildEvent, buildEngine, type Toolchain } from "../src/index.ts";
import { compare, mergedMatrix, modelOptFormats, writeTexts } from "./checkpoint-suite.ts";
import { type Matrix, readRank } from "./checkpoint-values.ts";
import { randomShape, writeRandomModel } from "./random-model.ts";

const reader = fileURLToPath(new URL("./gguf-values.py", import.meta.url));

/** How each tensor is called in a GGUF, and how in the model. */
const names: readonly (readonly [string, string])[] = [
  ["token_embd", "model.embed_tokens"],
  ["output_norm", "model.norm"],
  ["output", "lm_head"],
  ...Array.from({ length: randomShape.layers }, (_, i) =>
    Object.entries({
      attn_norm: "input_layernorm",
      attn_q: "self_attn.q_proj",
      attn_k: "self_attn.k_proj",
      attn_v: "self_attn.v_proj",
      attn_output: "self_attn.o_proj",
      ffn_norm: "post_attention_layernorm",
      ffn_gate: "mlp.gate_proj",
      ffn_up: "mlp.up_proj",
      ffn_down: "mlp.down_proj",
    }).map(([gguf, model]) => [`blk.${i}.${gguf}`, `model.layers.${i}.${model}`] as const),
  ).flat(),
];

const matrixTypes = {
  none: "BF16",
  fp8: "BF16",
  "fp8-rowwise": "F32",
  nvfp4: "NVFP4",
  "int8-smoothquant": "Q8_0",
  "int4-awq": "Q8_0",
  "w4a8-awq": "Q8_0",
} as const;

/** What holds of the GGUF of every checkpoint, read by the gguf package and not by us. */
export function describeGgufs(title: string, tools: Toolchain): void {
  describe(title, () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "gguf-"));
      await writeRandomModel(join(folder, "model"));
      await writeTexts(folder);
    });
    afterAll(() => rm(folder, { recursive: true }));

    it.each(modelOptFormats)("holds the values of the checkpoint in %s, of 2 x 2 ranks", async (format) => {
      const calibration = { dataset: join(folder, "texts.txt"), maxTokens: 32 };
      const config = {
        model: join(folder, "model"),
        output: join(folder, format),
        target: "embedded" as const,
        quantization: {
          weights: format,
          ...(!["none", "fp8-rowwise"].includes(format) && { calibration }),
        },
        parallel: { tensor: 2, pipeline: 2 },
        limits: { maxBatchSize: 3 },
      };
      const events: BuildEvent[] = [];
      const { output, lock } = await buildEngine(config, {
        tools,
        onEvent: (event) => void events.push(event),
      });
      expect((await readdir(output)).sort()).toEqual([
        ...["config.json", "engine.lock.json", "model.gguf", "tokenizer.json", "tokenizer_config.json"],
      ]);
      expect(lock.target).toEqual({ executor: "embedded", gpuCount: 1 });
      expect(JSON.parse(await readFile(join(output, "config.json"), "utf8")).build_config).toEqual({
        max_batch_size: 3,
        plugin_config: { tokens_per_block: 32 },
      });
      const warnings = events.filter(({ kind }) => kind === "warning");
      expect(warnings).toHaveLength(matrixTypes[format] === "Q8_0" ? 1 : 0);

      const values = join(folder, `${format}-values`);
      await mkdir(values);
      const { stdout } = await execa("python3", [reader, join(output, "model.gguf"), values]);
      const types = JSON.parse(stdout);
      const stages = await readdir(`${output}.build`);
      const checkpoint = join(`${output}.build`, stages.find((name) => name.startsWith("checkpoint-"))!);
      const ranks = await Promise.all([0, 1, 2, 3].map((rank) => readRank(checkpoint, rank)));
      for (const [name, source] of names) {
        const quantized = source.includes("_proj");
        expect(types[`${name}.weight`], name).toBe(
          quantized ? matrixTypes[format] : name.endsWith("norm") ? "F32" : "BF16",
        );
        const scale = types[`${name}.scale`] ? (await floats(values, `${name}.scale`))[0]! : 1;
        const stored = (await floats(values, `${name}.weight`)).map((value) => value * scale);
        const expected = ordered(mergedMatrix(ranks, `${source}.weight`), name);
        const error = compare(
          { ...expected, bounds: roundingBounds(expected, types[`${name}.weight`]) },
          stored,
        );
        expect(error.worst, name).toBeLessThanOrEqual(1);
      }
    });
  });
}

async function floats(folder: string, name: string): Promise<Float32Array> {
  const bytes = await readFile(join(folder, `${name}.f32`));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** llama.cpp's Llama turns neighbours of a head: its row 2i is row i here, its row 2i + 1 the one half a head below. */
function ordered(matrix: Matrix, name: string): Matrix {
  if (!/attn_[qk]$/.test(name)) return matrix;
  const { headSize } = randomShape;
  const values = new Float64Array(matrix.values.length);
  for (let row = 0; row < matrix.outputs; row++) {
    const inHead = row % headSize;
    const from = row - inHead + (inHead >> 1) + (inHead & 1) * (headSize / 2);
    const start = from * matrix.inputs;
    values.set(matrix.values.subarray(start, start + matrix.inputs), row * matrix.inputs);
  }
  return { ...matrix, values };
}

/** Q8_0 rounds to a 127th of the largest of 32, which is a 16-bit number; all else is exact, but for the last bit of a float's product. */
function roundingBounds({ values }: Matrix, type: string): Float64Array {
  return values.map((value, i) => {
    const exact = Math.abs(value) * 2 ** -23;
    if (type !== "Q8_0") return exact;
    const block = values.subarray(i - (i % 32), i - (i % 32) + 32);
    const largest = block.reduce((most, other) => Math.max(most, Math.abs(other)), 0);
    return exact + (largest / 127) * 0.57;
  });
}
