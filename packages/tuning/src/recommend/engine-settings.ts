import type { EngineInfo, ExecutorOptions } from "@trtllm-node/core";
import type { SimulatedEngine } from "../simulate/simulated-engine.ts";

/** What an engine was loaded with, as a simulation takes it. */
export function simulatedEngine(
  engine: EngineInfo,
  { schedulerPolicy, contextChunkingPolicy, kvCache }: ExecutorOptions = {},
): SimulatedEngine {
  const { maxBatchSize, maxNumTokens, maxSequenceTokens, maxQueueSize, kvBlocks, tokensPerBlock } = engine;
  return {
    maxBatchSize,
    maxNumTokens,
    maxSequenceTokens,
    maxQueueSize,
    kvBlocks,
    tokensPerBlock,
    schedulerPolicy: schedulerPolicy ?? "GUARANTEED_NO_EVICT",
    contextChunkingPolicy: contextChunkingPolicy ?? "FIRST_COME_FIRST_SERVED",
    enableBlockReuse: kvCache?.enableBlockReuse ?? true,
  };
}

/** The options that load an engine with these settings. */
export function executorOptions(settings: SimulatedEngine, format: EngineInfo["format"]): ExecutorOptions {
  const { maxBatchSize, maxNumTokens, maxQueueSize, schedulerPolicy, contextChunkingPolicy } = settings;
  return {
    maxBatchSize,
    maxNumTokens,
    maxQueueSize,
    schedulerPolicy,
    contextChunkingPolicy,
    kvCache: {
      maxTokens: settings.kvBlocks * settings.tokensPerBlock,
      enableBlockReuse: settings.enableBlockReuse,
    },
    // An engine of TensorRT-LLM has the limit that it was built with.
    ...(format !== "tensorrt" && {
      embedded: { maxSequenceTokens: settings.maxSequenceTokens, tokensPerBlock: settings.tokensPerBlock },
    }),
  };
}

/** The limits for a build configuration. */
export function buildLimits({ maxBatchSize, maxNumTokens, maxSequenceTokens }: SimulatedEngine) {
  return { limits: { maxBatchSize, maxNumTokens, maxSequenceTokens } };
}
