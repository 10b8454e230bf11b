import type { ModelInfo } from "../model/model-info.ts";
import { type BuildConfig, buildConfigSchema } from "./build-config.ts";
import type { BuildProblem } from "./build-problem.ts";
import { quantizationFormats } from "./quantization-formats.ts";

/** What python/to_gguf.py turns into a GGUF. */
const architectures = ["LlamaForCausalLM", "MistralForCausalLM"];

/** Settings of TensorRT-LLM and of its engines, which would do nothing here. */
const ofTensorRtLlm = [
  ...["gpu", "preset", "attention", "plugins", "lora", "speculative", "weightStreaming", "refit"],
  ...["multipleProfiles", "profiling", "logits", "workers"],
] as const satisfies (keyof BuildConfig)[];

/** What an engine for the embedded executor cannot be, or is not told by its files. */
export function* embeddedProblems(config: BuildConfig, model: ModelInfo): Generator<BuildProblem> {
  const defaults = buildConfigSchema.parse({ model: config.model, output: config.output });
  for (const field of ofTensorRtLlm) {
    if (JSON.stringify(config[field]) === JSON.stringify(defaults[field])) continue;
    yield { field, value: config[field], rule: 'it is a setting of TensorRT-LLM, and target is "embedded"' };
  }
  const { quantization, parallel, kvCache, limits } = config;
  const refuse = (field: string, value: unknown, rule: string, nearest: unknown): BuildProblem => ({
    ...{ field, value, rule, nearest },
  });
  if (!quantizationFormats[quantization.weights].byModelOpt) {
    const rule = "a checkpoint of convert_checkpoint.py is not turned into a GGUF";
    yield refuse("quantization.weights", quantization.weights, rule, "int8-smoothquant");
  }
  if (quantization.kvCache !== "auto") {
    const rule = "the embedded executor keeps keys and values in 16 bits";
    yield refuse("quantization.kvCache", quantization.kvCache, rule, "auto");
  }
  if (kvCache.type !== "paged") yield refuse("kvCache.type", kvCache.type, "it has KV blocks only", "paged");
  if (parallel.context > 1) yield refuse("parallel.context", parallel.context, "it runs on one device", 1);
  if (limits.maxBeamWidth > 1) {
    yield refuse("limits.maxBeamWidth", limits.maxBeamWidth, "it is told when the engine is loaded", 1);
  }
  if (limits.maxInputTokens !== undefined) {
    const rule = "only limits.maxSequenceTokens bounds a prompt there";
    yield { field: "limits.maxInputTokens", value: limits.maxInputTokens, rule };
  }
  if (!architectures.includes(model.architecture) || model.experts !== undefined) {
    const rule = `only ${architectures.join(" and ")} without experts are turned into a GGUF, not ${model.architecture}`;
    yield { field: "model", value: model.path, rule };
  }
}
