import { dirname } from "node:path";
import { ConfigError } from "@trtllm-node/core";
import { execaSync } from "execa";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { argumentProblems } from "../../test/known-flags.ts";
import { llama8b, modelOf, resolve } from "../../test/plan-model.ts";
import type { BuildConfigInput } from "../config/build-config.ts";
import { pythonProgram } from "../python-programs.ts";
import { buildArguments } from "./build-arguments.ts";
import { checkpointTool } from "./checkpoint-arguments.ts";

const model = modelOf(llama8b);
const mixture = modelOf(
  { ...llama8b, experts: { count: 8, intermediate: 14_336 } },
  { architecture: "MixtralForCausalLM", family: "mixtral" },
);
const paths = { checkpoint: "/c", output: "/o", timingCache: "/t" };
const calibration = { dataset: "./texts", samples: 32 };

/** Everything that trtllm-build can be told, in valid combinations. */
const inputs: Record<string, Partial<BuildConfigInput>> = {
  defaults: {},
  throughput: { preset: "throughput", parallel: { tensor: 2 } },
  fp8: {
    quantization: { weights: "fp8", kvCache: "fp8", quantizeHead: true, calibration },
    plugins: {
      gemmSwiglu: "fp8",
      lowLatencyGemm: "fp8",
      lowLatencyGemmSwiglu: "fp8",
      fusedMlp: true,
      gemm: "fp8",
    },
  },
  nvfp4: {
    quantization: { weights: "nvfp4", kvCache: "fp8", calibration },
    plugins: { gemm: "nvfp4", normQuantFusion: true },
  },
  "int8 KV cache": { quantization: { weights: "int8-smoothquant", kvCache: "int8", calibration } },
  "several GPUs": {
    parallel: { tensor: 2, pipeline: 2, context: 2 },
    plugins: {
      reduceFusion: true,
      nccl: "auto",
      gemmAllReduce: "bfloat16",
      gptAttention: "bfloat16",
      moe: "disable",
    },
  },
  rowwise: { quantization: { weights: "fp8-rowwise" }, plugins: { fp8RowwiseGemm: "auto" } },
  lora: { lora: { directories: ["a", "b"], targetModules: ["attn_qkv", "mlp_gate"], maxRank: 32 } },
  eagle: { speculative: { mode: "eagle", maxDraftTokens: 8 }, limits: { maxBatchSize: 8 } },
  external: { speculative: { mode: "draft-tokens-external", maxDraftTokens: 4 } },
  lookahead: { speculative: { mode: "lookahead-decoding", maxDraftTokens: 4 } },
  explicit: { speculative: { mode: "explicit-draft-tokens", maxDraftTokens: 4 } },
  medusa: { speculative: { mode: "medusa", maxDraftTokens: 63 }, limits: { maxBatchSize: 64 } },
  "the rest": {
    ...{ weightStreaming: true, refit: true, multipleProfiles: true, profiling: "detailed", workers: 4 },
    ...{ logits: { dtype: "float16", gatherContext: true }, limits: { maxBeamWidth: 4 } },
    kvCache: { type: "paged", tokensPerBlock: 64 },
  },
  "no paging": { kvCache: { type: "continuous" }, attention: { fused: false, pagedContext: false } },
};

describe("buildArguments", () => {
  it.each(Object.entries(inputs))(
    "uses only flags that trtllm-build 1.0, 1.1 and 1.2 has: %s",
    (_, input) => {
      expect(argumentProblems("trtllm-build", buildArguments(resolve(model, input), paths))).toEqual([]);
    },
  );

  it("finds a flag, a type and a choice that do not exist, so that the test above can fail", () => {
    const wrong = [
      "--max_batch",
      "1",
      "--workers",
      "x",
      "--gemm_plugin",
      "int8",
      "--multiple_profiles",
      "--cluster_key",
      "a",
    ];
    expect(argumentProblems("trtllm-build", wrong)).toEqual([
      "--max_batch does not exist",
      "--workers x is no whole number",
      "--gemm_plugin int8 is no choice",
      "--multiple_profiles has 0 values",
      "--cluster_key is not in 1.2",
    ]);
  });

  it("says everything that the configuration says", () => {
    const config = resolve(model, {
      limits: {
        maxBatchSize: 7,
        maxInputTokens: 100,
        maxSequenceTokens: 200,
        maxNumTokens: 300,
        maxBeamWidth: 3,
      },
    });
    const args = buildArguments(config, paths).join(" ");
    for (const expected of [
      "--checkpoint_dir /c --output_dir /o",
      "--max_batch_size 7 --max_input_len 100 --max_seq_len 200 --max_num_tokens 300 --max_beam_width 3",
      "--kv_cache_type paged --tokens_per_block 32",
      "--context_fmha enable --use_paged_context_fmha enable --use_fp8_context_fmha disable",
    ]) {
      expect(args).toContain(expected);
    }
  });

  it("changes with every field", () => {
    const plain = buildArguments(resolve(model, {}), paths).join(" ");
    const seen = Object.entries(inputs).filter(([name]) => name !== "defaults" && name !== "int8 KV cache");
    for (const [, input] of seen)
      expect(buildArguments(resolve(model, input), paths).join(" ")).not.toBe(plain);
  });
});

describe("checkpointTool", () => {
  const quantized = fc.record({
    weights: fc.constantFrom(
      "none",
      "fp8",
      "fp8-rowwise",
      "nvfp4",
      "int8-smoothquant",
      "int4-awq",
      "w4a8-awq",
    ),
    kvCache: fc.constantFrom("auto", "fp8", "int8", "nvfp4"),
    tensor: fc.constantFrom(1, 2, 4),
    pipeline: fc.constantFrom(1, 2),
    samples: fc.integer({ min: 1, max: 32 }),
    more: fc.boolean(),
  });

  it("uses only arguments that quantize.py takes, and flags that Llama's convert_checkpoint.py has", () => {
    fc.assert(
      fc.property(quantized, ({ weights, kvCache, tensor, pipeline, samples, more }) => {
        const calibrated = kvCache !== "auto" || !["none", "fp8-rowwise"].includes(weights);
        const config = resolve(model, {
          quantization: {
            ...{ weights: weights as "fp8", kvCache: kvCache as "fp8" },
            ...(calibrated && { calibration: { dataset: "d", samples } }),
            ...(weights === "int8-smoothquant" && more && { smoothing: 0.5 }),
            ...(weights.endsWith("awq") && more && { groupSize: 64 }),
            ...(weights === "fp8" && more && { exclude: ["*.layers.0.*", "*o_proj"], quantizeHead: true }),
          },
          parallel: { tensor, pipeline },
        });
        const { script, args } = checkpointTool(config, model, "/out");
        if (script === "quantize.py") expect(quantizeProblems(args)).toBe("");
        else expect(argumentProblems("convert-llama", args)).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it.each<[Partial<BuildConfigInput>, string]>([
    [{}, "--dtype auto --tp_size 1 --pp_size 1 --cp_size 1 --workers 1"],
    [{ quantization: { weights: "int8-weight-only" } }, "--use_weight_only --weight_only_precision int8"],
    [{ quantization: { weights: "int4-weight-only" } }, "--use_weight_only --weight_only_precision int4"],
    [
      { quantization: { weights: "int4-gptq", checkpoint: "g.safetensors", groupSize: 64 } },
      "--weight_only_precision int4_gptq --per_group --group_size 64 --quant_ckpt_path g.safetensors",
    ],
    [{ parallel: { tensor: 2 } }, "--use_parallel_embedding"],
  ])("converts Llama %j", (input, expected) => {
    const { script, args } = checkpointTool(resolve(model, input), model, "/out");
    expect(script).toBe("models/core/llama/convert_checkpoint.py");
    expect(argumentProblems("convert-llama", args)).toEqual([]);
    expect(args.join(" ")).toContain(expected);
  });

  it("divides experts by expert and by tensor", () => {
    const { args } = checkpointTool(
      resolve(mixture, { parallel: { tensor: 8, expert: 4 } }),
      mixture,
      "/out",
    );
    expect(argumentProblems("convert-llama", args)).toEqual([]);
    expect(args.join(" ")).toContain("--moe_tp_size 2 --moe_ep_size 4");
  });

  it.each<[string, Partial<BuildConfigInput>, RegExp]>([
    [
      "calibration without texts",
      { quantization: { weights: "fp8" } },
      /calibration is null.*fp8 needs texts/,
    ],
    ["a KV cache without texts", { quantization: { kvCache: "fp8" } }, /a KV cache in fp8 needs texts/],
    [
      "experts divided among GPUs",
      { quantization: { weights: "fp8", calibration }, parallel: { tensor: 2, expert: 2 } },
      /parallel\.expert is 2.*ModelOpt/,
    ],
    [
      "an FP8 KV cache of converted weights",
      { quantization: { weights: "int8-weight-only", kvCache: "fp8", calibration } },
      /kvCache is "fp8".*"int8"/,
    ],
  ])("refuses what the scripts cannot do: %s", (_, input, message) => {
    const of = input.parallel?.expert ? mixture : model;
    expect(() => checkpointTool(resolve(of, input), of, "/out")).toThrow(ConfigError);
    expect(() => checkpointTool(resolve(of, input), of, "/out")).toThrow(message);
  });
});

/** What argparse has against these arguments of python/quantize.py; "" for nothing. */
function quantizeProblems(args: readonly string[]): string {
  const program = "from quantize_arguments import parse_arguments; parse_arguments()";
  const cwd = dirname(pythonProgram("quantize.py"));
  return execaSync("python3", ["-c", program, ...args], { cwd, reject: false }).stderr;
}
