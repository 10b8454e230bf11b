import { kvCacheTypes } from "../config/quantization-formats.ts";
import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import type { ModelInfo } from "../model/model-info.ts";
import { layersOfStage } from "./weight-bytes.ts";

/**
 * Bytes of KV cache that a token takes on each rank of pipeline stage `stage`:
 * 2 x layers of the stage x ceil(kvHeads / tensor) x headSize x bytes of an element. With context parallelism a rank
 * holds its part of the tokens. MLA stores one latent vector, (rank + rope) x bytes, on every rank.
 *
 * Every layer counts as if it saw the whole sequence; layers with a sliding window can be made to hold less at run time
 * (maxAttentionWindow). Source: tensorrt_llm/runtime, "KV cache" in TensorRT-LLM's documentation.
 */
export function kvBytesPerToken(config: ResolvedBuildConfig, model: ModelInfo, stage: number): number {
  const { tensor, pipeline, context } = config.parallel;
  const { kvHeads, headSize, latent } = model.attention;
  const elements = latent ? latent.rank + latent.ropeSize : 2 * Math.ceil(kvHeads / tensor) * headSize;
  const { bits } = kvCacheTypes[config.quantization.kvCache];
  const wide = config.quantization.kvCache === "auto" && config.dtype === "float32" ? 2 : 1;
  return (layersOfStage(model.layers, pipeline, stage) * elements * wide * bits) / 8 / context;
}
