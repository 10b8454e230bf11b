import type { KvLayout, KvPrecision } from "@trtllm-node/kv-cache";
import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import type { ModelInfo } from "../model/model-info.ts";
import { layersOfStage } from "./weight-bytes.ts";

/** What each rank of pipeline stage `stage` stores of a token. */
export function kvLayout(config: ResolvedBuildConfig, model: ModelInfo, stage: number): KvLayout {
  const { tensor, pipeline, context } = config.parallel;
  const { kvHeads, headSize, latent } = model.attention;
  return {
    layers: layersOfStage(model.layers, pipeline, stage),
    kvHeads,
    headSize,
    latent,
    // Layers with a sliding window hold less only where maxAttentionWindow is set at run time.
    slidingWindow: undefined,
    precision: kvPrecision(config),
    tensorParallel: tensor,
    contextParallel: context,
  };
}

function kvPrecision({ quantization: { kvCache }, dtype }: ResolvedBuildConfig): KvPrecision {
  if (kvCache !== "auto") return kvCache;
  return dtype === "float32" ? "float32" : "float16";
}
