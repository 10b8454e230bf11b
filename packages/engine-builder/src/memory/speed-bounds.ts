import { quantizationFormats } from "../config/quantization-formats.ts";
import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import type { ModelInfo, WeightGroups } from "../model/model-info.ts";
import type { Gpu } from "./gpus.ts";
import type { StagePlan } from "./memory-plan.ts";

/** Tokens a second that no engine can exceed on this hardware. */
export interface SpeedBounds {
  /** Decoding one request whose sequence is full. */
  readonly decodeOneRequest: number;
  /** Decoding `batch` requests whose sequences are full, all together. */
  readonly decodeFullBatch: number;
  readonly batch: number;
  /** Computing prompts. */
  readonly prompt: number;
}

/**
 * Bounds by memory bandwidth and by arithmetic.
 *
 * Decoding reads every weight that a step uses (not the embedding table; of the experts at most batch x perToken) and
 * the KV cache of every sequence, once a step: time of a stage >= bytes / bandwidth. A token passes the stages in turn;
 * batches fill all of them. Prompts cost two operations per token and used parameter.
 * Source: the roofline model (Williams, Waterman, Patterson, 2009).
 */
export function speedBounds(
  config: ResolvedBuildConfig,
  model: ModelInfo,
  weights: WeightGroups,
  gpu: Gpu,
  stages: readonly StagePlan[],
  batch: number,
): SpeedBounds {
  const context = config.limits.maxSequenceTokens;
  const seconds = (requests: number) =>
    stages.map(({ weights: stage, kvBytesPerToken }) => {
      const read = stage.total - stage.embedding - unusedExperts(model, weights, stage.layers, requests);
      // The embedding table is also the head where they are tied.
      const tiedHead = model.tiedEmbeddings && stage.head === 0 ? stage.embedding : 0;
      return (read + tiedHead + requests * context * kvBytesPerToken) / gpu.memoryBandwidth;
    });
  const sum = (times: readonly number[]) => times.reduce((total, time) => total + time, 0);
  const { tensor, pipeline, context: contextParallel } = config.parallel;
  const gpus = tensor * pipeline * contextParallel;
  return {
    decodeOneRequest: 1 / sum(seconds(1)),
    decodeFullBatch: batch / Math.max(...seconds(batch)),
    batch,
    prompt: (gpus * flops(config, gpu)) / (2 * usedParameters(model, weights)),
  };
}

/** Bytes of the experts that no request of the step uses. */
function unusedExperts(
  model: ModelInfo,
  weights: WeightGroups,
  layerBytes: number,
  requests: number,
): number {
  if (model.experts === undefined) return 0;
  const matrices = weights.attention + weights.feedForward + weights.experts;
  const used = Math.min(model.experts.count, requests * model.experts.perToken) / model.experts.count;
  return layerBytes * (weights.experts / matrices) * (1 - used);
}

function usedParameters(model: ModelInfo, weights: WeightGroups): number {
  const share = model.experts ? model.experts.perToken / model.experts.count : 1;
  return weights.attention + weights.feedForward + weights.experts * share;
}

function flops(config: ResolvedBuildConfig, gpu: Gpu): number {
  switch (quantizationFormats[config.quantization.weights].compute) {
    case "fp16":
      return gpu.fp16Flops;
    case "fp8":
      return gpu.fp8Flops ?? gpu.fp16Flops;
    case "fp4":
      return gpu.fp4Flops ?? gpu.fp8Flops ?? gpu.fp16Flops;
    case "int8":
      return gpu.int8Ops;
  }
}
