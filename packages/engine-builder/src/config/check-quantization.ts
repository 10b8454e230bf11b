import { gpu } from "../memory/gpus.ts";
import type { ModelInfo } from "../model/model-info.ts";
import type { BuildProblem } from "./build-problem.ts";
import { exportedByModelOpt } from "./check-parallel.ts";
import { kvCacheTypes, quantizationFormats, weightQuantizations } from "./quantization-formats.ts";
import type { ResolvedBuildConfig } from "./resolve-build-config.ts";

/** Quantizations that the GPU, the model or the tools do not have. */
export function* quantizationProblems(
  config: ResolvedBuildConfig,
  model: ModelInfo,
): Generator<BuildProblem> {
  yield* hardwareProblems(config);
  yield* sourceProblems(config, model);
  yield* settingProblems(config);
}

function* hardwareProblems({ gpu: name, quantization }: ResolvedBuildConfig): Generator<BuildProblem> {
  if (name === undefined) return;
  const { sm } = gpu(name);
  const { weights, kvCache } = quantization;
  const capability = `compute capability ${Math.floor(sm / 10)}.${sm % 10}`;
  if (!quantizationFormats[weights].supports(sm)) {
    const bits = quantizationFormats[weights].weightBits;
    const others = weightQuantizations.filter((other) => quantizationFormats[other].supports(sm));
    const nearest =
      others.find((other) => quantizationFormats[other].weightBits === bits) ?? others.at(1) ?? "none";
    yield {
      field: "quantization.weights",
      value: weights,
      rule: `TensorRT-LLM does not run it on ${name} (${capability})`,
      nearest,
    };
  }
  if (!kvCacheTypes[kvCache].supports(sm)) {
    const nearest = kvCacheTypes.fp8.supports(sm) ? "fp8" : "int8";
    const rule = `TensorRT-LLM does not run it on ${name} (${capability})`;
    yield { field: "quantization.kvCache", value: kvCache, rule, nearest };
  }
}

function* sourceProblems(
  { quantization, target }: ResolvedBuildConfig,
  model: ModelInfo,
): Generator<BuildProblem> {
  const { weights, checkpoint } = quantization;
  const value = weights;
  const field = "quantization.weights";
  if (target === "tensorrt-llm" && !model.tensorRtLlm.supported) {
    yield {
      field: "model",
      value: model.path,
      rule: lowerFirst(model.tensorRtLlm.reason.replace(/\.$/, "")),
    };
    return;
  }
  if (weights === "int4-gptq" && checkpoint === undefined && model.quantization?.method !== "gptq") {
    yield {
      field,
      value,
      rule: "GPTQ weights are made before: give them as quantization.checkpoint, or a model that has them",
      nearest: "int4-awq",
    };
  }
  if (weights !== "int4-gptq" && model.quantization !== undefined) {
    const rule = `the model is quantized already (${model.quantization.method}): start from the original weights`;
    yield { field, value, rule };
  }
  const needsConverter = !quantizationFormats[weights].byModelOpt;
  if (needsConverter && model.tensorRtLlm.converter === undefined) {
    const rule = `convert_checkpoint.py of ${model.architecture}, which makes it, is not known here`;
    yield { field, value, rule, nearest: weights === "int8-weight-only" ? "int8-smoothquant" : "int4-awq" };
  }
}

/** Settings that would do nothing. */
function* settingProblems(config: ResolvedBuildConfig): Generator<BuildProblem> {
  const { quantization } = config;
  const { weights, kvCache, calibration, checkpoint, groupSize, smoothing, quantizeHead, exclude } =
    quantization;
  const format = quantizationFormats[weights];
  const useless = (field: string, value: unknown, rule: string): BuildProblem => ({
    ...{ field: `quantization.${field}`, value, rule },
  });
  const exported = exportedByModelOpt(config);
  const calibrated = format.calibrated || kvCache !== "auto";
  if (!calibrated && calibration !== undefined) {
    yield useless("calibration", calibration.dataset, `${weights} is not calibrated`);
  }
  if (checkpoint !== undefined && weights !== "int4-gptq") {
    yield useless("checkpoint", checkpoint, "only int4-gptq reads weights that were quantized before");
  }
  if (groupSize !== undefined && format.group !== 128) {
    yield useless("groupSize", groupSize, `the groups of ${weights} are not free to choose`);
  }
  if (smoothing !== undefined && weights !== "int8-smoothquant") {
    yield useless("smoothing", smoothing, "only int8-smoothquant has it");
  }
  if (quantizeHead && weights !== "fp8") {
    yield { ...useless("quantizeHead", true, "only fp8 can quantize the output head"), nearest: false };
  }
  if (exclude.length > 0 && (!exported || weights === "none")) {
    yield {
      ...useless("exclude", exclude, `${weights} quantizes nothing that could be left out`),
      nearest: [],
    };
  }
}

function lowerFirst(text: string): string {
  return text.startsWith("TensorRT") ? text : text.charAt(0).toLowerCase() + text.slice(1);
}
