import type { ModelInfo } from "../src/index.ts";
import { type BuildConfigInput, parseBuildConfig, resolveBuildConfig } from "../src/index.ts";
import { readHuggingFaceConfig } from "../src/model/hugging-face-config.ts";
import { tensorRtLlmSupport } from "../src/model/tensorrt-llm-support.ts";
import { totalParameters, weightGroupsOfShape } from "../src/model/weight-groups.ts";
import { decoderConfig, type Shape } from "./model-files.ts";

/** A model as `inspectModel` describes it, from its config.json alone. */
export function modelOf(
  shape: Shape,
  { architecture = "LlamaForCausalLM", family = "llama", maxPositions = 131_072 } = {},
): ModelInfo {
  const document = { ...decoderConfig(shape, architecture, family), max_position_embeddings: maxPositions };
  const described = readHuggingFaceConfig(document, "config.json");
  const weights = weightGroupsOfShape(described);
  return {
    path: "/model",
    format: "config",
    ...described,
    parameterCount: weights && totalParameters(weights),
    weightBytes: 0,
    dtype: "bfloat16",
    tiedEmbeddings: described.tiedEmbeddings === true,
    weights,
    tensorRtLlm: tensorRtLlmSupport(architecture),
  };
}

export const llama8b: Shape = {
  layers: 32,
  hidden: 4096,
  intermediate: 14_336,
  heads: 32,
  kvHeads: 8,
  headSize: 128,
  vocabulary: 128_256,
};

/** Resolves a configuration whose model and output do not matter. */
export function resolve(model: ModelInfo, input: Partial<BuildConfigInput>) {
  return resolveBuildConfig(parseBuildConfig({ model: "m", output: "o", ...input }), model);
}
