import { ConfigError } from "@trtllm-node/core";
import type { ModelInfo } from "../model/model-info.ts";
import type { BuildConfig } from "./build-config.ts";
import { describeProblem } from "./build-problem.ts";
import { embeddedProblems } from "./check-embedded.ts";
import { featureProblems } from "./check-features.ts";
import { limitProblems } from "./check-limits.ts";
import { parallelProblems } from "./check-parallel.ts";
import { quantizationProblems } from "./check-quantization.ts";
import { type Preset, preset } from "./presets.ts";

/** A configuration with every value that the tools need, checked against its model. */
export interface ResolvedBuildConfig extends BuildConfig {
  readonly limits: Limits;
  /** What of the limits was set and not filled in. */
  readonly setLimits: BuildConfig["limits"];
  readonly attention: { readonly fused: boolean; readonly pagedContext: boolean; readonly fp8: boolean };
  readonly multipleProfiles: boolean;
}

/** Counts of requests and tokens. */
export interface Limits {
  readonly maxBatchSize: number;
  readonly maxInputTokens: number;
  readonly maxSequenceTokens: number;
  readonly maxNumTokens: number;
  readonly maxBeamWidth: number;
}

const unknownContext = 2048;

/**
 * Fills in what depends on the model and the preset, and checks the whole against the model and the GPU.
 * @throws ConfigError whose message names each field, the rule that it breaks and the nearest valid value
 */
export function resolveBuildConfig(config: BuildConfig, model: ModelInfo): ResolvedBuildConfig {
  const resolved = withDefaults(config, model, preset(config, model));
  const problems = [
    ...parallelProblems(resolved, model),
    ...limitProblems(resolved),
    ...quantizationProblems(resolved, model),
    ...featureProblems(resolved, model),
    ...(config.target === "embedded" ? embeddedProblems(config, model) : []),
  ];
  if (problems.length > 0) throw new ConfigError(problems.map(describeProblem).join(" "));
  return resolved;
}

function withDefaults(config: BuildConfig, model: ModelInfo, open: Preset): ResolvedBuildConfig {
  const { quantization, attention, limits: given } = config;
  const maxBatchSize = given.maxBatchSize ?? open.maxBatchSize;
  const maxSequenceTokens =
    given.maxSequenceTokens ?? open.maxSequenceTokens ?? model.maxPositions ?? unknownContext;
  const maxInputTokens = given.maxInputTokens ?? maxSequenceTokens;
  const fp8 = quantization.kvCache === "fp8" && ["fp8", "w4a8-awq", "nvfp4"].includes(quantization.weights);
  const pagedContext = attention.pagedContext ?? (attention.fused && quantization.kvCache !== "int8");
  // Prompts that are not cut in chunks must fit into one step.
  const atLeast = Math.max(config.kvCache.tokensPerBlock, pagedContext ? 0 : maxInputTokens);
  const maxNumTokens = Math.min(Math.max(open.maxNumTokens, atLeast), maxSequenceTokens * maxBatchSize);
  return {
    ...config,
    limits: {
      maxBatchSize,
      maxInputTokens,
      maxSequenceTokens,
      maxNumTokens: given.maxNumTokens ?? maxNumTokens,
      maxBeamWidth: given.maxBeamWidth,
    },
    setLimits: given,
    attention: { fused: attention.fused, pagedContext, fp8: attention.fp8 ?? (attention.fused && fp8) },
    multipleProfiles: config.multipleProfiles ?? open.multipleProfiles,
    plugins: { ...open.plugins, ...config.plugins },
  };
}
