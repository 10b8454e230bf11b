import type { Limits, ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import type { ModelInfo } from "../model/model-info.ts";

/** Bytes on one GPU beside weights and KV cache. All of them are estimates. */
export interface WorkingMemory {
  readonly activations: number;
  /** Buffers of the decoder and of inputs and outputs. */
  readonly buffers: number;
  /** CUDA context, TensorRT and, with several GPUs, NCCL. */
  readonly runtime: number;
}

const MiB = 2 ** 20;

/** An estimate of what processes of TensorRT-LLM hold before any engine: context and kernels, then NCCL's channels. */
const runtimeBytes = { context: 600 * MiB, nccl: 400 * MiB };

/**
 * Estimates what an engine works in.
 *
 * Activations: 2 bytes x maxNumTokens x heads x headSize x c, where c is a fitted factor that falls with the tensor
 * parallel size. Source: aiconfigurator's memory model of TensorRT-LLM (11, 6.5, 5, 5 for dense and 22, 13, 10, 10 for
 * expert models at 1, 2, 4, 8 GPUs). Logits of the last tokens come on top, 4 bytes each.
 *
 * Buffers: TensorRT-LLM's documentation says that they grow with maxBatchSize x maxSequenceTokens x beams; five 4-byte
 * integers for each of these and twice the logits match its example.
 */
export function workingMemory(config: ResolvedBuildConfig, model: ModelInfo): WorkingMemory {
  const { maxBatchSize, maxSequenceTokens, maxNumTokens, maxBeamWidth } = config.limits;
  const { tensor, pipeline, context } = config.parallel;
  const { heads, headSize } = model.attention;
  const sequences = maxBatchSize * maxBeamWidth;
  const logits = logitBytes(config.limits, model.vocabularySize);
  return {
    activations: 2 * maxNumTokens * heads * headSize * factor(tensor, model.experts !== undefined) + logits,
    buffers: bufferBytesPerToken * sequences * maxSequenceTokens + 2 * logits,
    runtime: runtimeBytes.context + (tensor * pipeline * context > 1 ? runtimeBytes.nccl : 0),
  };
}

/** Of the decoder's buffers, for each token that a sequence may have. */
export const bufferBytesPerToken = 5 * 4;

/** Of one step, as 4-byte numbers. */
export function logitBytes({ maxBatchSize, maxBeamWidth }: Limits, vocabularySize: number): number {
  return 4 * maxBatchSize * maxBeamWidth * vocabularySize;
}

function factor(tensor: number, experts: boolean): number {
  const dense = tensor === 1 ? 11 : tensor === 2 ? 6.5 : 5;
  return experts ? 2 * dense : dense;
}
