import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  decoderConfig,
  decoderTensors,
  type Shape,
  tinyShape,
  writeModel,
  writeSparseSafetensors,
} from "../../test/model-files.ts";
import { inspectModel } from "./inspect-model.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "inspect-"));
});

afterEach(() => rm(folder, { recursive: true }));

/** Published models: shape, class and type, and the number of parameters that their model cards state. */
const published: Record<string, [Shape, string, string, number]> = {
  "SmolLM2-135M": [
    {
      layers: 30,
      hidden: 576,
      intermediate: 1536,
      heads: 9,
      kvHeads: 3,
      headSize: 64,
      vocabulary: 49_152,
      tied: true,
    },
    "LlamaForCausalLM",
    "llama",
    134_515_008,
  ],
  "Llama-3.1-8B": [
    {
      layers: 32,
      hidden: 4096,
      intermediate: 14_336,
      heads: 32,
      kvHeads: 8,
      headSize: 128,
      vocabulary: 128_256,
    },
    "LlamaForCausalLM",
    "llama",
    8_030_261_248,
  ],
  "Llama-3.1-70B": [
    {
      layers: 80,
      hidden: 8192,
      intermediate: 28_672,
      heads: 64,
      kvHeads: 8,
      headSize: 128,
      vocabulary: 128_256,
    },
    "LlamaForCausalLM",
    "llama",
    70_553_706_496,
  ],
  "Mistral-7B-v0.1": [
    {
      layers: 32,
      hidden: 4096,
      intermediate: 14_336,
      heads: 32,
      kvHeads: 8,
      headSize: 128,
      vocabulary: 32_000,
    },
    "MistralForCausalLM",
    "mistral",
    7_241_732_096,
  ],
  "Qwen2.5-7B": [
    {
      ...{
        layers: 28,
        hidden: 3584,
        intermediate: 18_944,
        heads: 28,
        kvHeads: 4,
        headSize: 128,
        vocabulary: 152_064,
      },
      qkvBias: true,
    },
    "Qwen2ForCausalLM",
    "qwen2",
    7_615_616_512,
  ],
  "Qwen3-8B": [
    {
      ...{
        layers: 36,
        hidden: 4096,
        intermediate: 12_288,
        heads: 32,
        kvHeads: 8,
        headSize: 128,
        vocabulary: 151_936,
      },
      qkNorm: true,
    },
    "Qwen3ForCausalLM",
    "qwen3",
    8_190_735_360,
  ],
  "Qwen3-30B-A3B": [
    {
      ...{
        layers: 48,
        hidden: 2048,
        intermediate: 6144,
        heads: 32,
        kvHeads: 4,
        headSize: 128,
        vocabulary: 151_936,
      },
      ...{ qkNorm: true, experts: { count: 128, intermediate: 768 } },
    },
    "Qwen3MoeForCausalLM",
    "qwen3_moe",
    30_532_122_624,
  ],
  "gemma-2-9b": [
    {
      ...{
        layers: 42,
        hidden: 3584,
        intermediate: 14_336,
        heads: 16,
        kvHeads: 8,
        headSize: 256,
        vocabulary: 256_000,
      },
      ...{ tied: true, normsPerLayer: 4 as const },
    },
    "Gemma2ForCausalLM",
    "gemma2",
    9_241_705_984,
  ],
  "gemma-3-1b": [
    {
      ...{
        layers: 26,
        hidden: 1152,
        intermediate: 6912,
        heads: 4,
        kvHeads: 1,
        headSize: 256,
        vocabulary: 262_144,
      },
      ...{ tied: true, normsPerLayer: 4 as const, qkNorm: true },
    },
    "Gemma3ForCausalLM",
    "gemma3_text",
    999_885_952,
  ],
};

describe("inspectModel on a Hugging Face checkpoint", () => {
  it.each(Object.entries(published))(
    "counts the published parameters of %s, by its tensors and by its shape alone",
    async (_, [shape, architecture, modelType, parameters]) => {
      await writeModel(folder, shape, [architecture, modelType] as never);
      const byTensors = await inspectModel(folder);
      expect(byTensors.parameterCount).toBe(parameters);
      expect(byTensors.weightBytes).toBe(2 * parameters);

      await rm(join(folder, "model.safetensors"));
      const byShape = await inspectModel(folder);
      expect(byShape.format).toBe("config");
      expect(byShape.weightBytes).toBe(0);
      expect(byShape.weights).toEqual(byTensors.weights);
    },
  );

  it("describes a grouped-query Llama", async () => {
    await writeModel(folder, tinyShape);
    expect(await inspectModel(folder)).toMatchObject({
      path: folder,
      format: "safetensors",
      architecture: "LlamaForCausalLM",
      family: "llama",
      dtype: "bfloat16",
      layers: 2,
      hiddenSize: 64,
      intermediateSize: 128,
      vocabularySize: 256,
      maxPositions: 4096,
      tiedEmbeddings: false,
      attention: {
        kind: "gqa",
        heads: 4,
        kvHeads: 2,
        headSize: 16,
        slidingWindow: undefined,
        latent: undefined,
      },
      experts: undefined,
      quantization: undefined,
      tensorRtLlm: { supported: true, modelClass: "LLaMAForCausalLM", converter: "llama", reason: "" },
    });
  });

  it("calls one key and value head multi-query, and as many as queries multi-head", async () => {
    await writeModel(folder, { ...tinyShape, kvHeads: 1 });
    expect((await inspectModel(folder)).attention.kind).toBe("mqa");
    await writeModel(folder, { ...tinyShape, kvHeads: 4 });
    expect((await inspectModel(folder)).attention.kind).toBe("mha");
  });

  it("believes the tensors about tied embeddings, and config.json where there are none", async () => {
    await writeModel(folder, tinyShape);
    const config = { ...decoderConfig(tinyShape, "LlamaForCausalLM", "llama"), tie_word_embeddings: true };
    await writeConfig(config);
    expect((await inspectModel(folder)).tiedEmbeddings).toBe(false);
    await rm(join(folder, "model.safetensors"));
    expect((await inspectModel(folder)).tiedEmbeddings).toBe(true);
  });

  it.each([
    ["every layer of Mistral", "mistral", { sliding_window: 4096 }, { tokens: 4096, layers: 12 }],
    ["no layer where it is null", "mistral", { sliding_window: null }, undefined],
    [
      "none of Qwen2 where it is switched off",
      "qwen2",
      { sliding_window: 9, use_sliding_window: false },
      undefined,
    ],
    [
      "Qwen2's layers from max_window_layers on",
      "qwen2",
      { sliding_window: 9, use_sliding_window: true, max_window_layers: 10 },
      { tokens: 9, layers: 2 },
    ],
    ["every second layer of Gemma 2", "gemma2", { sliding_window: 4096 }, { tokens: 4096, layers: 6 }],
    ["five of six layers of Gemma 3", "gemma3_text", { sliding_window: 512 }, { tokens: 512, layers: 10 }],
    [
      "what layer_types says",
      "gemma3_text",
      {
        sliding_window: 512,
        layer_types: [...Array(5).fill("sliding_attention"), ...Array(7).fill("full_attention")],
      },
      { tokens: 512, layers: 5 },
    ],
  ])("finds the sliding window: %s", async (_, modelType, extra, expected) => {
    await writeConfig({ ...decoderConfig({ ...tinyShape, layers: 12 }, "X", modelType), ...extra });
    expect((await inspectModel(folder)).attention.slidingWindow).toEqual(expected);
  });

  it("finds multi-head latent attention and experts of DeepSeek", async () => {
    const config = decoderConfig(tinyShape, "DeepseekV3ForCausalLM", "deepseek_v3");
    const mla = { kv_lora_rank: 512, qk_rope_head_dim: 64 };
    const moe = {
      n_routed_experts: 256,
      num_experts_per_tok: 8,
      moe_intermediate_size: 2048,
      n_shared_experts: 1,
    };
    await writeConfig({ ...config, ...mla, ...moe });
    const model = await inspectModel(folder);
    expect(model.attention).toMatchObject({ kind: "mla", latent: { rank: 512, ropeSize: 64 } });
    expect(model.experts).toEqual({
      count: 256,
      perToken: 8,
      intermediateSize: 2048,
      sharedIntermediateSize: 2048,
    });
    expect(model.tensorRtLlm.supported).toBe(false);
    expect(model.tensorRtLlm.reason).toContain("DeepseekV3ForCausalLM");
  });

  it("reads the text part of a model that also sees", async () => {
    const text_config = decoderConfig(tinyShape, "", "gemma3_text");
    await writeConfig({
      architectures: ["Gemma3ForConditionalGeneration"],
      model_type: "gemma3",
      text_config,
    });
    const model = await inspectModel(folder);
    expect(model).toMatchObject({
      architecture: "Gemma3ForConditionalGeneration",
      layers: 2,
      hiddenSize: 64,
    });
  });

  it("reads the names that GPT-2 gives to its sizes", async () => {
    const sizes = { n_embd: 768, n_layer: 12, n_head: 12, n_positions: 1024, vocab_size: 50_257 };
    await writeConfig({ architectures: ["GPT2LMHeadModel"], model_type: "gpt2", ...sizes });
    expect(await inspectModel(folder)).toMatchObject({
      ...{ hiddenSize: 768, layers: 12, intermediateSize: 3072, maxPositions: 1024, tiedEmbeddings: true },
      attention: { kind: "mha", heads: 12, headSize: 64 },
    });
  });

  it("names the quantization that a checkpoint has already", async () => {
    const quantization_config = { quant_method: "gptq", bits: 4, group_size: 128 };
    await writeConfig({ ...decoderConfig(tinyShape, "LlamaForCausalLM", "llama"), quantization_config });
    await writeSparseSafetensors(join(folder, "model.safetensors"), {
      "model.layers.0.mlp.up_proj.qweight": { dtype: "I32", shape: [8, 128] },
    });
    const model = await inspectModel(folder);
    expect(model.quantization).toEqual({ method: "gptq", bits: 4, groupSize: 128 });
    // Eight weights share an I32: only the shape tells how many there are.
    expect(model.parameterCount).toBe(106_816);
    expect(model.weightBytes).toBe(4096);
  });

  it("names what ModelOpt did", async () => {
    await writeModel(folder, tinyShape);
    const quantization = { quant_algo: "NVFP4", group_size: 16 };
    await writeFile(join(folder, "hf_quant_config.json"), JSON.stringify({ quantization }));
    const expected = { method: "modelopt nvfp4", bits: undefined, groupSize: 16 };
    expect((await inspectModel(folder)).quantization).toEqual(expected);
  });

  it("adds up the shards of an index", async () => {
    await writeShards();
    expect((await inspectModel(folder)).parameterCount).toBe(106_816);
  });

  it("looks at a single safetensors file beside its config.json", async () => {
    await writeModel(folder, tinyShape);
    const model = await inspectModel(join(folder, "model.safetensors"));
    expect(model.parameterCount).toBe(106_816);
  });

  it("reads no weights: 8 GiB of them in less than 200 MB of memory", async () => {
    await writeModel(folder, {
      ...tinyShape,
      layers: 8,
      hidden: 8192,
      intermediate: 61_440,
      vocabulary: 65_536,
    });
    const program = `
      import { inspectModel } from "@trtllm-node/engine-builder";
      const { weightBytes } = await inspectModel(process.argv[1]);
      process.stdout.write(JSON.stringify({ weightBytes, peakKb: process.resourceUsage().maxRSS }));`;
    const node = [
      "--import",
      "tsx",
      "--conditions=@trtllm-node/source",
      "--input-type=module",
      "-e",
      program,
      folder,
    ];
    const { stdout } = await execa(process.execPath, node, {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
    });
    const { weightBytes, peakKb } = JSON.parse(stdout);
    expect(weightBytes).toBeGreaterThan(8 * 2 ** 30);
    expect(peakKb).toBeLessThan(200_000);
  });
});

describe("inspectModel refuses", () => {
  it("a path where nothing is", async () => {
    await expect(inspectModel(join(folder, "none"))).rejects.toMatchObject({ code: "ERR_MODEL_NOT_FOUND" });
  });

  it("a folder without a model", async () => {
    await expect(inspectModel(folder)).rejects.toMatchObject({ code: "ERR_MODEL_UNSUPPORTED" });
  });

  it("pickled weights", async () => {
    await writeConfig(decoderConfig(tinyShape, "LlamaForCausalLM", "llama"));
    await writeFile(join(folder, "pytorch_model.bin"), "");
    await expect(inspectModel(folder)).rejects.toThrow(/pytorch_model\.bin, a pickle/);
  });

  it.each([
    ["no JSON", "{", "ERR_MODEL_CORRUPT", /it is no JSON/],
    ["a list", "[]", "ERR_MODEL_CORRUPT", /no model's config\.json/],
    [
      "without layers",
      '{"architectures":["X"],"hidden_size":8}',
      "ERR_MODEL_UNSUPPORTED",
      /num_hidden_layers/,
    ],
    ["a negative size", '{"hidden_size":-1}', "ERR_MODEL_CORRUPT", /hidden_size/],
    ["text for a size", '{"hidden_size":"8"}', "ERR_MODEL_CORRUPT", /hidden_size/],
  ])("a config.json that is %s", async (_, text, code, message) => {
    await writeFile(join(folder, "config.json"), text);
    await expect(inspectModel(folder)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it("heads that cannot share key and value heads", async () => {
    await writeConfig(decoderConfig({ ...tinyShape, kvHeads: 3 }, "LlamaForCausalLM", "llama"));
    await expect(inspectModel(folder)).rejects.toThrow(/4 attention heads cannot share 3/);
  });

  it("an index that names a file elsewhere", async () => {
    await writeShards();
    const weight_map = { "lm_head.weight": "../model-1.safetensors" };
    await writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map }));
    await expect(inspectModel(folder)).rejects.toThrow(/not a file beside it/);
  });

  it("a missing shard", async () => {
    await writeShards();
    await rm(join(folder, "model-2.safetensors"));
    await expect(inspectModel(folder)).rejects.toMatchObject({
      code: "ERR_MODEL_NOT_FOUND",
      message: expect.stringContaining("model-2.safetensors"),
    });
  });

  it("an index that promises a tensor that no shard holds", async () => {
    await writeShards({ "model.layers.9.mlp.up_proj.weight": "model-1.safetensors" });
    await expect(inspectModel(folder)).rejects.toThrow(/promises tensor model\.layers\.9/);
  });

  it("a tensor in two shards", async () => {
    await writeShards();
    await writeSparseSafetensors(join(folder, "model-2.safetensors"), decoderTensors(tinyShape));
    await expect(inspectModel(folder)).rejects.toThrow(/in two of its safetensors files/);
  });
});

async function writeConfig(config: object): Promise<void> {
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
}

async function writeShards(promised: Record<string, string> = {}): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeConfig(decoderConfig(tinyShape, "LlamaForCausalLM", "llama"));
  const entries = Object.entries(decoderTensors(tinyShape));
  const halves = [entries.slice(0, 10), entries.slice(10)];
  const weight_map: Record<string, string> = { ...promised };
  for (const [i, half] of halves.entries()) {
    const name = `model-${i + 1}.safetensors`;
    await writeSparseSafetensors(join(folder, name), Object.fromEntries(half));
    for (const [tensor] of half) weight_map[tensor] = name;
  }
  await writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map }));
}
