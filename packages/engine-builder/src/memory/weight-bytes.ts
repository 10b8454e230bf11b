import { quantizationFormats } from "../config/quantization-formats.ts";
import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import type { ModelInfo, WeightGroups } from "../model/model-info.ts";

/** Bytes of what the ranks of one pipeline stage hold, each. */
export interface StageWeights {
  /** Matrices of the layers. */
  readonly layers: number;
  /** Embedding table, on the first stage. */
  readonly embedding: number;
  /** Output head, on the last stage. */
  readonly head: number;
  /** Norms, biases, routers. */
  readonly other: number;
}

/**
 * Bytes of the weights of a rank of pipeline stage `stage`.
 *
 * Matrices divide among the tensor parallel ranks, layers among the stages (the first `layers % pipeline` stages get
 * one more); keys and values of fewer heads than ranks are repeated; norms are repeated on every rank. Every stored
 * matrix counts its elements x bits / 8 and its scales: one per group, per output row, or two per tensor.
 * Sources: tensorrt_llm/mapping.py, the checkpoint format of TensorRT-LLM's documentation, ModelOpt's export.
 */
export function stageWeights(
  config: ResolvedBuildConfig,
  model: ModelInfo,
  weights: WeightGroups,
  stage: number,
): StageWeights {
  const { tensor, pipeline } = config.parallel;
  const plain = plainBytes(config, model);
  const share = layersOfStage(model.layers, pipeline, stage) / model.layers;
  const matrices =
    attentionPerRank(model, weights, tensor) + (weights.feedForward + weights.experts) / tensor;
  // A tied head that is quantized or sharded elsewhere than the table is a copy of it.
  const head = weights.head > 0 || pipeline > 1 ? weights.head || weights.embedding : 0;
  const quantizedHead = config.quantization.quantizeHead && weights.head > 0;
  return {
    layers: share * matrices * bytesPerWeight(config, model),
    embedding: stage === 0 ? (weights.embedding / tensor) * plain : 0,
    head: stage === pipeline - 1 ? (head / tensor) * (quantizedHead ? 1 : plain) : 0,
    other: share * weights.other * plain,
  };
}

export function layersOfStage(layers: number, pipeline: number, stage: number): number {
  return Math.floor(layers / pipeline) + (stage < layers % pipeline ? 1 : 0);
}

/** Bytes of an element that is not quantized. */
function plainBytes({ dtype }: ResolvedBuildConfig, model: ModelInfo): number {
  // TensorRT-LLM turns float32 models into float16 unless told otherwise.
  return dtype === "float32" && model.dtype !== "unknown" ? 4 : 2;
}

/** Elements of the attention's matrices that one rank holds. */
function attentionPerRank(model: ModelInfo, weights: WeightGroups, tensor: number): number {
  const { kind, kvHeads, headSize } = model.attention;
  if (kind === "mla") return weights.attention / tensor;
  const keysAndValues = 2 * model.layers * model.hiddenSize * headSize;
  const kvHeadsPerRank = Math.ceil(kvHeads / tensor);
  return (weights.attention - keysAndValues * kvHeads) / tensor + keysAndValues * kvHeadsPerRank;
}

/** Bytes of one weight of a matrix of the layers, with its share of the scales. */
function bytesPerWeight(config: ResolvedBuildConfig, model: ModelInfo): number {
  const { weights, groupSize } = config.quantization;
  const { weightBits, group } = quantizationFormats[weights];
  const plain = plainBytes(config, model);
  if (weightBits === undefined) return plain;
  return weightBits / 8 + scaleBytes(weights, groupSize ?? group, plain, model.hiddenSize);
}

function scaleBytes(
  weights: ResolvedBuildConfig["quantization"]["weights"],
  group: number | undefined,
  plain: number,
  rowLength: number,
): number {
  switch (weights) {
    // Two FP32 scales for a whole matrix: nothing.
    case "none":
    case "fp8":
      return 0;
    // One FP8 scale for 16 weights.
    case "nvfp4":
      return 1 / 16;
    case "int4-awq":
    case "w4a8-awq":
      return plain / (group ?? 128);
    // A scale and a zero point.
    case "int4-gptq":
      return (2 * plain) / (group ?? 128);
    case "int8-weight-only":
    case "int4-weight-only":
      return plain / rowLength;
    case "fp8-rowwise":
    case "int8-smoothquant":
      return 4 / rowLength;
  }
}
