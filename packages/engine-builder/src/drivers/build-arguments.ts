import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";

/** Paths of one run of trtllm-build. */
export interface BuildPaths {
  /** Directory of the TensorRT-LLM checkpoint. */
  readonly checkpoint: string;
  readonly output: string;
  /** What TensorRT measured of kernels on this GPU: read where it exists, and written. */
  readonly timingCache: string;
}

/**
 * Arguments of trtllm-build 1.0, 1.1 and 1.2. Its plugin flags are not switches: they take "enable" or "disable".
 * Source: tensorrt_llm/commands/build.py, tensorrt_llm/plugin/plugin.py.
 */
export function buildArguments(config: ResolvedBuildConfig, paths: BuildPaths): string[] {
  const { limits, kvCache, attention, logits } = config;
  return [
    ...flag("checkpoint_dir", paths.checkpoint),
    ...flag("output_dir", paths.output),
    ...flag("input_timing_cache", paths.timingCache),
    ...flag("output_timing_cache", paths.timingCache),
    ...flag("max_batch_size", limits.maxBatchSize),
    ...flag("max_input_len", limits.maxInputTokens),
    ...flag("max_seq_len", limits.maxSequenceTokens),
    ...flag("max_num_tokens", limits.maxNumTokens),
    ...flag("max_beam_width", limits.maxBeamWidth),
    ...flag("kv_cache_type", kvCache.type),
    ...flag("tokens_per_block", kvCache.tokensPerBlock),
    ...flag("context_fmha", attention.fused),
    ...flag("use_paged_context_fmha", attention.pagedContext),
    ...flag("use_fp8_context_fmha", attention.fp8),
    ...flag("multiple_profiles", config.multipleProfiles),
    ...pluginArguments(config.plugins),
    ...featureArguments(config),
    ...flag("profiling_verbosity", config.profiling),
    ...flag("logits_dtype", logits.dtype),
    ...switchOn("gather_context_logits", logits.gatherContext),
    ...switchOn("weight_streaming", config.weightStreaming),
    ...switchOn("strip_plan", config.refit),
    ...flag("workers", config.workers),
  ];
}

function pluginArguments(plugins: ResolvedBuildConfig["plugins"]): string[] {
  return [
    ...flag("gemm_plugin", plugins.gemm),
    ...flag("gpt_attention_plugin", plugins.gptAttention),
    ...flag("nccl_plugin", plugins.nccl),
    ...flag("moe_plugin", plugins.moe),
    ...flag("fp8_rowwise_gemm_plugin", plugins.fp8RowwiseGemm),
    ...flag("gemm_swiglu_plugin", plugins.gemmSwiglu),
    ...flag("low_latency_gemm_plugin", plugins.lowLatencyGemm),
    ...flag("low_latency_gemm_swiglu_plugin", plugins.lowLatencyGemmSwiglu),
    ...flag("gemm_allreduce_plugin", plugins.gemmAllReduce),
    ...flag("use_fused_mlp", plugins.fusedMlp),
    ...flag("reduce_fusion", plugins.reduceFusion),
    ...flag("user_buffer", plugins.userBuffer),
    ...flag("norm_quant_fusion", plugins.normQuantFusion),
    ...flag("pp_reduce_scatter", plugins.pipelineReduceScatter),
  ];
}

function featureArguments({ lora, speculative }: ResolvedBuildConfig): string[] {
  return [
    ...(lora
      ? [
          ...flag("lora_plugin", "auto"),
          ...["--lora_dir", ...lora.directories],
          ...flag("lora_ckpt_source", lora.source),
          ...(lora.targetModules ? ["--lora_target_modules", ...lora.targetModules] : []),
          ...flag("max_lora_rank", lora.maxRank),
        ]
      : []),
    ...(speculative
      ? [
          ...flag("speculative_decoding_mode", speculative.mode.replaceAll("-", "_")),
          ...flag("max_draft_len", speculative.maxDraftTokens),
        ]
      : []),
  ];
}

/** Nothing where the value is left open. */
export function flag(name: string, value: string | number | boolean | undefined): string[] {
  if (value === undefined) return [];
  return [`--${name}`, typeof value === "boolean" ? (value ? "enable" : "disable") : String(value)];
}

/** A flag that has no value. */
export function switchOn(name: string, on: boolean): string[] {
  return on ? [`--${name}`] : [];
}
