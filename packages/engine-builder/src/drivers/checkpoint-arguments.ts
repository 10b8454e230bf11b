import { ConfigError } from "@trtllm-node/core";
import { type BuildProblem, describeProblem } from "../config/build-problem.ts";
import { quantizationFormats } from "../config/quantization-formats.ts";
import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import type { ModelInfo } from "../model/model-info.ts";
import { flag, switchOn } from "./build-arguments.ts";

/** How a Hugging Face checkpoint becomes a quantized, sharded TensorRT-LLM checkpoint. */
export interface CheckpointTool {
  /** This package's quantize.py, run by the Python that has ModelOpt, or a path in TensorRT-LLM's examples. */
  readonly script: "quantize.py" | `models/core/${string}/convert_checkpoint.py`;
  readonly args: readonly string[];
}

/**
 * The program that makes the checkpoint, with its arguments: ours on ModelOpt where ModelOpt has the quantization, and
 * TensorRT-LLM's convert_checkpoint.py where it does, or where there is nothing to quantize and no ModelOpt is needed.
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
  const converted =
    !quantizationFormats[weights].byModelOpt ||
    (plain && converter !== undefined && config.target === "tensorrt-llm");
  const problems = [...(converted ? convertProblems(config) : modelOptProblems(config))];
  if (problems.length > 0) throw new ConfigError(problems.map(describeProblem).join(" "));
  return converted
    ? {
        script: `models/core/${converter}/convert_checkpoint.py`,
        args: convertArguments(config, model, output),
      }
    : { script: "quantize.py", args: modelOptArguments(config, output) };
}

/** Arguments of python/quantize.py. */
function modelOptArguments(config: ResolvedBuildConfig, output: string): string[] {
  const { quantization, parallel } = config;
  const { weights, kvCache, groupSize, smoothing, quantizeHead, exclude, calibration } = quantization;
  return [
    ...flag("model", config.model),
    ...flag("output", output),
    ...flag("format", weights),
    ...flag("kv-cache", kvCache),
    ...flag("dtype", config.dtype),
    ...flag("group-size", groupSize),
    ...flag("smoothing", smoothing),
    ...switchOn("quantize-head", quantizeHead),
    ...exclude.flatMap((pattern) => flag("exclude", pattern)),
    ...flag("dataset", calibration?.dataset),
    ...flag("samples", calibration?.samples),
    ...flag("max-tokens", calibration?.maxTokens),
    ...flag("batch-size", calibration?.batchSize),
    ...flag("tensor", parallel.tensor),
    ...flag("pipeline", parallel.pipeline),
    ...flag("context", parallel.context),
  ];
}

function* modelOptProblems({ quantization, parallel }: ResolvedBuildConfig): Generator<BuildProblem> {
  const { weights, kvCache, calibration } = quantization;
  const calibrated = quantizationFormats[weights].calibrated || kvCache !== "auto";
  if (calibrated && calibration === undefined) {
    const what = quantizationFormats[weights].calibrated ? weights : `a KV cache in ${kvCache}`;
    yield { field: "quantization.calibration", value: null, rule: `${what} needs texts to calibrate with` };
  }
  if (parallel.expert > 1) {
    const rule = "ModelOpt shards experts by tensor only";
    yield { field: "parallel.expert", value: parallel.expert, rule, nearest: 1 };
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
