import type { ModelInfo } from "../model/model-info.ts";
import type { BuildConfig } from "./build-config.ts";

/** What a preset says where the configuration does not. */
export interface Preset {
  readonly maxBatchSize: number;
  readonly maxNumTokens: number;
  readonly maxSequenceTokens?: number;
  readonly multipleProfiles: boolean;
  readonly plugins: BuildConfig["plugins"];
}

/** Context that the memory preset stops at, in tokens. */
const shortContext = 8192;

/**
 * Starting points. Source of the choices: the tuning case study of TensorRT-LLM's documentation, where 512 requests a
 * step gave the most tokens a second of the powers of 2, several profiles 18 % and the GEMM plugin 9 % more at FP16.
 */
export function preset(config: BuildConfig, model: ModelInfo): Preset {
  const plugins = fasterPlugins(config, model);
  switch (config.preset) {
    case "throughput":
      return { maxBatchSize: 512, maxNumTokens: 8192, multipleProfiles: true, plugins };
    case "latency":
      return { maxBatchSize: 8, maxNumTokens: 8192, multipleProfiles: true, plugins };
    case "memory": {
      const maxSequenceTokens = Math.min(model.maxPositions ?? shortContext, shortContext);
      return {
        maxBatchSize: 16,
        maxNumTokens: 2048,
        maxSequenceTokens,
        multipleProfiles: false,
        plugins: {},
      };
    }
    case undefined:
      return { maxBatchSize: 256, maxNumTokens: 8192, multipleProfiles: false, plugins: {} };
  }
}

/** The GEMM plugin helps unquantized matrices only; fused reductions exist for some models on several GPUs. */
function fasterPlugins({ quantization, parallel }: BuildConfig, model: ModelInfo): Preset["plugins"] {
  return {
    ...(quantization.weights === "none" && { gemm: "auto" as const }),
    ...(parallel.tensor > 1 && hasFusedReduction(model) && { reduceFusion: true }),
  };
}

/** Source: tensorrt_llm/builder.py, which switches reduce_fusion off for every other architecture. */
export function hasFusedReduction({ architecture }: ModelInfo): boolean {
  return ["LlamaForCausalLM", "Gemma2ForCausalLM"].includes(architecture);
}
