import { gpu } from "../memory/gpus.ts";
import type { ModelInfo } from "../model/model-info.ts";
import type { BuildProblem } from "./build-problem.ts";
import { hasFusedReduction } from "./presets.ts";
import type { ResolvedBuildConfig } from "./resolve-build-config.ts";

/** Source of the limits: tensorrt_llm/builder.py. */
const eagle = { maxBatchSize: 512, maxDraftTokens: 256 };

/**
 * Plugins and features that exclude each other. What trtllm-build would switch off with a warning is an error here:
 * nobody reads a warning in the log of a long build. Sources: tensorrt_llm/plugin/plugin.py, tensorrt_llm/builder.py.
 */
export function* featureProblems(config: ResolvedBuildConfig, model: ModelInfo): Generator<BuildProblem> {
  yield* attentionProblems(config);
  yield* pluginProblems(config, model);
  yield* speculativeProblems(config);
}

function* attentionProblems({
  attention,
  quantization,
  kvCache,
}: ResolvedBuildConfig): Generator<BuildProblem> {
  const off = (name: string, rule: string) => ({
    field: `attention.${name}`,
    value: true,
    rule,
    nearest: false,
  });
  if (attention.pagedContext && !attention.fused)
    yield off("pagedContext", "it is a kind of attention.fused");
  if (attention.pagedContext && quantization.kvCache === "int8") {
    yield off("pagedContext", "it does not work with an int8 KV cache");
  }
  if (attention.pagedContext && kvCache.type !== "paged")
    yield off("pagedContext", "the KV cache is not paged");
  if (!attention.fp8) return;
  if (!attention.fused) yield off("fp8", "it is a kind of attention.fused");
  else if (!["fp8", "w4a8-awq", "nvfp4"].includes(quantization.weights)) {
    yield off("fp8", "the weights must be fp8, w4a8-awq or nvfp4");
  } else if (attention.pagedContext && quantization.kvCache !== "fp8") {
    yield off("fp8", "with attention.pagedContext the KV cache must be fp8 too");
  }
}

function* pluginProblems(config: ResolvedBuildConfig, model: ModelInfo): Generator<BuildProblem> {
  const { plugins, quantization, parallel } = config;
  const on = (value: unknown) => value !== undefined && value !== false && value !== "disable";
  const sm = config.gpu && gpu(config.gpu).sm;
  const off = (name: keyof typeof plugins, rule: string): BuildProblem => ({
    field: `plugins.${name}`,
    value: plugins[name],
    rule,
    nearest: typeof plugins[name] === "boolean" ? false : "disable",
  });
  for (const name of ["gemmSwiglu", "lowLatencyGemm", "lowLatencyGemmSwiglu"] as const) {
    if (on(plugins[name]) && quantization.weights !== "fp8") yield off(name, "the weights must be fp8");
    else if (on(plugins[name]) && sm === 100) yield off(name, `it does not run on ${config.gpu}`);
  }
  if (on(plugins.gemmSwiglu) && sm !== undefined && sm !== 90 && sm !== 100) {
    yield off("gemmSwiglu", `it runs on Hopper only, not on ${config.gpu}`);
  }
  if (on(plugins.gemmSwiglu) && plugins.fusedMlp === false)
    yield off("gemmSwiglu", "it needs plugins.fusedMlp");
  if (on(plugins.fp8RowwiseGemm) && quantization.weights !== "fp8-rowwise") {
    yield off("fp8RowwiseGemm", "the weights must be fp8-rowwise");
  }
  if (plugins.gemm === "fp8" && quantization.weights !== "fp8") yield off("gemm", "the weights must be fp8");
  if (plugins.gemm === "nvfp4" && quantization.weights !== "nvfp4")
    yield off("gemm", "the weights must be nvfp4");
  if (plugins.reduceFusion && parallel.tensor === 1) yield off("reduceFusion", "parallel.tensor is 1");
  else if (plugins.reduceFusion && !hasFusedReduction(model)) {
    yield off("reduceFusion", `TensorRT-LLM has it for Llama and Gemma 2, not for ${model.architecture}`);
  }
  if (plugins.userBuffer && (!plugins.reduceFusion || quantization.weights !== "fp8")) {
    yield off("userBuffer", "it needs plugins.reduceFusion and fp8 weights");
  }
  if (
    plugins.normQuantFusion &&
    (plugins.reduceFusion || quantization.weights !== "nvfp4" || model.architecture !== "LlamaForCausalLM")
  ) {
    yield off("normQuantFusion", "it is for Llama in nvfp4 without plugins.reduceFusion");
  }
  if (plugins.pipelineReduceScatter && model.architecture !== "MixtralForCausalLM") {
    yield off("pipelineReduceScatter", `it is for Mixtral, not for ${model.architecture}`);
  }
}

function* speculativeProblems({ speculative, limits, logits }: ResolvedBuildConfig): Generator<BuildProblem> {
  if (speculative === undefined) return;
  if (logits.gatherContext) {
    const rule = "logits of the prompt cannot be had together with speculative decoding";
    yield { field: "logits.gatherContext", value: true, rule, nearest: false };
  }
  if (speculative.mode !== "eagle") return;
  if (limits.maxBatchSize > eagle.maxBatchSize) {
    const rule = `EAGLE takes at most ${eagle.maxBatchSize} requests`;
    yield { field: "limits.maxBatchSize", value: limits.maxBatchSize, rule, nearest: eagle.maxBatchSize };
  }
  if (speculative.maxDraftTokens > eagle.maxDraftTokens) {
    const rule = `EAGLE takes at most ${eagle.maxDraftTokens} draft tokens`;
    const { maxDraftTokens: value } = speculative;
    yield { field: "speculative.maxDraftTokens", value, rule, nearest: eagle.maxDraftTokens };
  }
}
