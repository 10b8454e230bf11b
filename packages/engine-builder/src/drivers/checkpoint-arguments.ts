import { ConfigError } from "@trtllm-node/core";
import { type BuildProblem, describeProblem } from "../config/build-problem.ts";
import { quantizationFormats } from "../config/quantization-formats.ts";
import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import type { ModelInfo } from "../model/model-info.ts";
import { flag, switchOn } from "./build-arguments.ts";

/** How a Hugging Face checkpoint becomes a quantized, sharded TensorRT-LLM checkpoint. */
export interface CheckpointTool {
  /** Path in TensorRT-LLM's examples. */
  readonly script: string;
  readonly args: readonly string[];
}

/**
 * The script of TensorRT-LLM's examples that makes the checkpoint, with its arguments: ModelOpt's quantize.py where
 * something is calibrated or the model has no converter known here, else its convert_checkpoint.py.
 * @throws ConfigError where neither can do what the configuration asks for
 */
export function checkpointTool(
  config: ResolvedBuildConfig,
  model: ModelInfo,
  output: string,
): CheckpointTool {
  const { weights, kvCache } = config.quantization;
  const plain = weights === "none" && kvCache === "auto";
  const { converter } = model.tensorRtLlm;
  const { qformat } = quantizationFormats[weights];
  const convert = qformat === undefined || (plain && converter !== undefined);
  const problems = [...(convert ? convertProblems(config) : quantizeProblems(config))];
  if (problems.length > 0) throw new ConfigError(problems.map(describeProblem).join(" "));
  return convert
    ? {
        script: `models/core/${converter}/convert_checkpoint.py`,
        args: convertArguments(config, model, output),
      }
    : { script: "quantization/quantize.py", args: quantizeArguments(config, output) };
}

/** Source: examples/quantization/quantize.py. */
function quantizeArguments(config: ResolvedBuildConfig, output: string): string[] {
  const { quantization, parallel } = config;
  const { weights, kvCache, groupSize, calibration, quantizeHead } = quantization;
  const { qformat, group } = quantizationFormats[weights];
  return [
    ...flag("model_dir", config.model),
    ...flag("output_dir", output),
    ...flag("dtype", config.dtype),
    ...flag("qformat", qformat),
    ...flag("kv_cache_dtype", kvCache === "auto" ? undefined : kvCache),
    ...flag("awq_block_size", group === 128 ? (groupSize ?? group) : undefined),
    ...switchOn("quantize_lm_head", quantizeHead),
    ...flag("calib_dataset", calibration?.dataset),
    ...flag("calib_size", calibration?.samples),
    ...flag("calib_max_seq_length", calibration?.maxTokens),
    ...flag("batch_size", calibration?.batchSize),
    ...flag("tp_size", parallel.tensor),
    ...flag("pp_size", parallel.pipeline),
    ...flag("cp_size", parallel.context),
  ];
}

/** quantize.py lowers the samples of AWQ to this many without a word. */
const awqSamples = 32;

function* quantizeProblems({ quantization, parallel }: ResolvedBuildConfig): Generator<BuildProblem> {
  const { weights, kvCache, calibration, exclude, smoothing } = quantization;
  const calibrated = quantizationFormats[weights].calibrated || kvCache !== "auto";
  if (calibrated && calibration === undefined) {
    const what = quantizationFormats[weights].calibrated ? weights : `a KV cache in ${kvCache}`;
    yield { field: "quantization.calibration", value: null, rule: `${what} needs texts to calibrate with` };
  }
  if (weights.endsWith("-awq") && (calibration?.samples ?? 0) > awqSamples) {
    const field = "quantization.calibration.samples";
    const rule = `quantize.py takes at most ${awqSamples} for AWQ`;
    yield { field, value: calibration?.samples, rule, nearest: awqSamples };
  }
  const refuse = (field: string, value: unknown, rule: string, nearest?: unknown) => ({
    field,
    value,
    rule,
    nearest,
  });
  if (kvCache === "nvfp4")
    yield refuse("quantization.kvCache", kvCache, "quantize.py does not make it", "fp8");
  if (exclude.length > 0)
    yield refuse("quantization.exclude", exclude, "quantize.py cannot leave modules out", []);
  if (smoothing !== undefined) yield refuse("quantization.smoothing", smoothing, "quantize.py has its own");
  if (parallel.expert > 1) {
    yield refuse("parallel.expert", parallel.expert, "quantize.py shards experts by tensor only", 1);
  }
}

/** Source: examples/models/core/llama/convert_checkpoint.py; Qwen's has the flags that are used here too. */
function convertArguments(config: ResolvedBuildConfig, model: ModelInfo, output: string): string[] {
  const { quantization, parallel } = config;
  const { weights, groupSize, checkpoint } = quantization;
  const precisions = {
    "int8-weight-only": "int8",
    "int4-weight-only": "int4",
    "int4-gptq": "int4_gptq",
  } as const;
  const precision = weights in precisions ? precisions[weights as keyof typeof precisions] : undefined;
  const gptq = weights === "int4-gptq";
  return [
    ...flag("model_dir", config.model),
    ...flag("output_dir", output),
    ...flag("dtype", config.dtype),
    ...switchOn("use_weight_only", precision !== undefined),
    ...flag("weight_only_precision", precision),
    ...switchOn("per_group", gptq),
    ...flag("group_size", gptq ? (groupSize ?? model.quantization?.groupSize ?? 128) : undefined),
    ...flag("quant_ckpt_path", checkpoint),
    ...switchOn("int8_kv_cache", quantization.kvCache === "int8"),
    ...flag("calib_dataset", quantization.calibration?.dataset),
    ...flag("calib_size", quantization.calibration?.samples),
    ...flag("calib_max_seq_length", quantization.calibration?.maxTokens),
    ...flag("tp_size", parallel.tensor),
    ...flag("pp_size", parallel.pipeline),
    ...flag("cp_size", parallel.context),
    ...(model.experts
      ? [...flag("moe_tp_size", parallel.tensor / parallel.expert), ...flag("moe_ep_size", parallel.expert)]
      : []),
    // Else every rank would hold the whole table.
    ...switchOn("use_parallel_embedding", parallel.tensor > 1),
    ...flag("workers", config.workers),
  ];
}

function* convertProblems({ quantization, kvCache }: ResolvedBuildConfig): Generator<BuildProblem> {
  const { weights, calibration } = quantization;
  if (quantization.kvCache === "fp8" || quantization.kvCache === "nvfp4") {
    const rule = `convert_checkpoint.py, which makes ${weights}, has no scales for it`;
    yield { field: "quantization.kvCache", value: quantization.kvCache, rule, nearest: "int8" };
  }
  if (quantization.kvCache === "int8" && calibration === undefined) {
    const rule = "a KV cache in int8 needs texts to calibrate with";
    yield { field: "quantization.calibration", value: null, rule };
  }
  if (quantization.kvCache !== "auto" && kvCache.type === "disabled") {
    yield {
      field: "quantization.kvCache",
      value: quantization.kvCache,
      rule: "there is no KV cache",
      nearest: "auto",
    };
  }
}
