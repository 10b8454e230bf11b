import { z } from "zod";
import { gpuNames } from "../memory/gpus.ts";
import { weightQuantizations } from "./quantization-formats.ts";

/** What an engine can be built for. */
export const buildTargets = ["tensorrt-llm", "embedded"] as const;
export type BuildTarget = (typeof buildTargets)[number];

const count = z.int32().min(1);
const path = z.string().min(1);
const plugin = z.enum(["auto", "float16", "bfloat16", "float32", "disable"]);

/** What `--lora_target_modules` of trtllm-build takes. */
const loraModules = [
  ...["attn_qkv", "attn_q", "attn_k", "attn_v", "attn_dense", "mlp_h_to_4h", "mlp_4h_to_h", "mlp_gate"],
  ...["cross_attn_qkv", "cross_attn_q", "cross_attn_k", "cross_attn_v", "cross_attn_dense"],
  ...["moe_h_to_4h", "moe_4h_to_h", "moe_gate", "moe_router", "mlp_router", "mlp_gate_up"],
] as const;

const calibration = z.strictObject({
  dataset: path.describe(
    'A .txt file (paragraphs between empty lines), a .jsonl file (objects with a string "text"), or a folder of these.',
  ),
  samples: count.default(512).describe("Texts to calibrate with."),
  maxTokens: count.default(512).describe("Tokens kept of each text."),
  batchSize: count.default(1).describe("Texts in one pass."),
});

const quantization = z.strictObject({
  weights: z.enum(weightQuantizations).default("none").describe("How the matrices of the layers are stored."),
  kvCache: z
    .enum(["auto", "fp8", "int8", "nvfp4"])
    .default("auto")
    .describe("How keys and values are stored; auto keeps the model's type."),
  groupSize: z
    .literal([64, 128])
    .optional()
    .describe("Weights that share a scale, of int4-awq, int4-gptq and w4a8-awq. Default: 128."),
  smoothing: z.number().min(0).max(1).optional().describe("Alpha of int8-smoothquant. Default: the tool's."),
  quantizeHead: z.boolean().default(false).describe("Quantize the output head too; fp8 only."),
  exclude: z
    .array(z.string().min(1))
    .default([])
    .describe("Modules that stay as they are, as patterns such as *.layers.0.*."),
  checkpoint: path.optional().describe("Weights that GPTQ made before, for int4-gptq."),
  calibration: calibration.optional().describe("Texts from which the scales of activations are taken."),
});

const parallel = z.strictObject({
  tensor: count.default(1).describe("GPUs that share every layer."),
  pipeline: count.default(1).describe("Groups of GPUs that share the layers."),
  context: count.default(1).describe("GPUs that share a long prompt."),
  expert: count.default(1).describe("Of the tensor parallel GPUs, how many divide the experts among them."),
});

const limits = z.strictObject({
  maxBatchSize: count.optional().describe("Most requests in one step. Default: 256."),
  maxInputTokens: count.optional().describe("Longest prompt. Default: maxSequenceTokens."),
  maxSequenceTokens: count
    .optional()
    .describe("Most tokens of prompt and answer. Default: what the model was made for."),
  maxNumTokens: count.optional().describe("Most tokens computed in one step. Default: 8192."),
  maxBeamWidth: count.default(1).describe("Most beams of a request."),
});

const kvCache = z.strictObject({
  type: z.enum(["paged", "continuous", "disabled"]).default("paged"),
  tokensPerBlock: count.default(32).describe("Tokens of one KV block; a power of 2."),
});

const attention = z.strictObject({
  fused: z.boolean().default(true).describe("One kernel for the attention of prompts (context FMHA)."),
  pagedContext: z
    .boolean()
    .optional()
    .describe(
      "Prompts read the paged KV cache: needed for reuse and chunked prompts. Default: true, with an int8 KV cache false.",
    ),
  fp8: z
    .boolean()
    .optional()
    .describe("Attention of prompts in FP8. Default: true where weights and KV cache are."),
});

const plugins = z.strictObject({
  gemm: z.enum(["auto", "float16", "bfloat16", "float32", "fp8", "nvfp4", "disable"]).optional(),
  gptAttention: plugin.optional(),
  nccl: plugin.optional(),
  moe: plugin.optional(),
  fp8RowwiseGemm: plugin.optional(),
  gemmSwiglu: z.enum(["fp8", "disable"]).optional(),
  lowLatencyGemm: z.enum(["fp8", "disable"]).optional(),
  lowLatencyGemmSwiglu: z.enum(["fp8", "disable"]).optional(),
  gemmAllReduce: z.enum(["float16", "bfloat16", "disable"]).optional(),
  fusedMlp: z.boolean().optional(),
  reduceFusion: z.boolean().optional(),
  userBuffer: z.boolean().optional(),
  normQuantFusion: z.boolean().optional(),
  pipelineReduceScatter: z.boolean().optional(),
});

const lora = z.strictObject({
  directories: z.array(path).min(1).describe("Adapters to build in; the first one configures."),
  source: z.enum(["hf", "nemo"]).default("hf"),
  targetModules: z.array(z.enum(loraModules)).min(1).optional(),
  maxRank: count.default(64),
});

const speculative = z.strictObject({
  mode: z.enum(["draft-tokens-external", "lookahead-decoding", "medusa", "explicit-draft-tokens", "eagle"]),
  maxDraftTokens: count,
});

/** The whole build of one engine. A strict schema: a misspelled field is an error and not a silent default. */
export const buildConfigSchema = z
  .strictObject({
    model: path.describe("Hugging Face model directory, or a model of the hub as hf:owner/name@revision."),
    output: path.describe("Engine directory to make."),
    target: z
      .enum(buildTargets)
      .default("tensorrt-llm")
      .describe("What runs the engine: TensorRT-LLM on NVIDIA GPUs, or the embedded executor anywhere."),
    release: z
      .enum(["1.0", "1.1", "1.2"])
      .default("1.2")
      .describe("TensorRT-LLM that builds and runs the engine."),
    gpu: z
      .enum(gpuNames)
      .optional()
      .describe("GPU that the engine is for; lets the plan and the checks know it."),
    preset: z.enum(["latency", "throughput", "memory"]).optional().describe("Values for what is left open."),
    dtype: z
      .enum(["auto", "float16", "bfloat16", "float32"])
      .default("auto")
      .describe("What is not quantized computes in this."),
    quantization: quantization.prefault({}),
    parallel: parallel.prefault({}),
    limits: limits.prefault({}),
    kvCache: kvCache.prefault({}),
    attention: attention.prefault({}),
    plugins: plugins.prefault({}),
    lora: lora.optional(),
    speculative: speculative.optional(),
    weightStreaming: z.boolean().default(false).describe("Weights may stay in host memory at run time."),
    refit: z
      .boolean()
      .default(false)
      .describe("Leave the weights out of the engine; trtllm-refit puts them in."),
    multipleProfiles: z.boolean().optional().describe("Tune for several sizes: slower build, faster engine."),
    profiling: z.enum(["layer_names_only", "detailed", "none"]).default("layer_names_only"),
    logits: z
      .strictObject({
        dtype: z.enum(["float16", "float32"]).optional(),
        gatherContext: z
          .boolean()
          .default(false)
          .describe("Requests may ask for the logits of their prompt."),
      })
      .prefault({}),
    workers: count.default(1).describe("Ranks built at once, one GPU each."),
  })
  .meta({ title: "trtllm-node build configuration" });

/** As written: what is left out has a default. */
export type BuildConfigInput = z.input<typeof buildConfigSchema>;
/** With the defaults that need no model. */
export type BuildConfig = z.output<typeof buildConfigSchema>;
