import { ConfigError } from "@trtllm-node/core";
import { blocksFor, kvBytesPerToken, kvCapacity } from "@trtllm-node/kv-cache";
import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import { ModelError } from "../errors.ts";
import type { ModelInfo, WeightGroups } from "../model/model-info.ts";
import { adviseMemory } from "./advise-memory.ts";
import { type Gpu, gpu as gpuByName } from "./gpus.ts";
import { kvLayout } from "./kv-layout.ts";
import type { KvPlan, MemoryPlan, StagePlan } from "./memory-plan.ts";
import { speedBounds } from "./speed-bounds.ts";
import { layersOfStage, stageWeights } from "./weight-bytes.ts";
import { workingMemory } from "./working-memory.ts";

export interface MemoryPlanOptions {
  /** Default: the GPU of the configuration. Give one of your own where the table has it not, or less memory is free. */
  readonly gpu?: Gpu | undefined;
  /** Part of the memory that weights and working memory leave which the KV cache takes; above 0, up to 1. Default 0.9, TensorRT-LLM's own. */
  readonly kvCacheFraction?: number | undefined;
}

/**
 * Where the memory of each GPU would go, what fits, and how fast it can be at most, before anything is built.
 * Weights and KV cache are exact to a few percent; working memory is an estimate.
 * @throws ConfigError where no GPU is given; ModelError where the model's parameters cannot be told
 */
export function planMemory(
  config: ResolvedBuildConfig,
  model: ModelInfo,
  { gpu = config.gpu && gpuByName(config.gpu), kvCacheFraction = 0.9 }: MemoryPlanOptions = {},
): MemoryPlan {
  if (gpu === undefined) throw new ConfigError("No GPU is given to plan for. Set gpu, such as H100-SXM.");
  if (!(kvCacheFraction > 0 && kvCacheFraction <= 1)) {
    throw new ConfigError(`kvCacheFraction is ${kvCacheFraction}. Expected above 0, up to 1.`);
  }
  const weights = parameters(model);
  const { tensor, pipeline, context } = config.parallel;
  const stages = Array.from({ length: pipeline }, (_, stage) =>
    planStage(config, model, weights, stage, gpu, kvCacheFraction),
  );
  const ranksPerStage = tensor * context;
  const perToken = stages.reduce((sum, stage) => sum + stage.kvBytesPerToken * ranksPerStage, 0);
  const kv = planKv(config, model, stages, perToken);
  const fits = kv.largestBatch >= 1;
  const plan = {
    gpu,
    gpuCount: ranksPerStage * pipeline,
    limits: config.limits,
    stages,
    kvBytesPerToken: perToken,
    kv,
    fits,
    bounds: fits ? speedBounds(config, model, weights, gpu, stages, kv.largestBatch) : undefined,
  };
  return { ...plan, advice: adviseMemory(plan, config, model) };
}

function parameters(model: ModelInfo): WeightGroups {
  if (model.weights !== undefined) return model.weights;
  throw new ModelError(
    "ERR_MODEL_UNSUPPORTED",
    `${model.path}: the shape of ${model.architecture} does not tell its parameters. Plan with its weight files.`,
    model.path,
  );
}

function planStage(
  config: ResolvedBuildConfig,
  model: ModelInfo,
  groups: WeightGroups,
  stage: number,
  gpu: Gpu,
  kvCacheFraction: number,
): StagePlan {
  const parts = stageWeights(config, model, groups, stage);
  const weights = { ...parts, total: parts.layers + parts.embedding + parts.head + parts.other };
  const estimates = workingMemory(config, model);
  const working = { ...estimates, total: estimates.activations + estimates.buffers + estimates.runtime };
  const free = gpu.memoryBytes - weights.total - working.total;
  return {
    layers: layersOfStage(model.layers, config.parallel.pipeline, stage),
    weights,
    working,
    kvBytesPerToken: kvBytesPerToken(kvLayout(config, model, stage)),
    kvPool: Math.max(0, Math.floor(free * kvCacheFraction)),
  };
}

function planKv(
  config: ResolvedBuildConfig,
  model: ModelInfo,
  stages: readonly StagePlan[],
  bytesPerToken: number,
): KvPlan {
  const { maxBatchSize, maxSequenceTokens, maxBeamWidth } = config.limits;
  const { tokensPerBlock } = config.kvCache;
  const wholeBlocks = (tokens: number) => Math.floor(tokens / tokensPerBlock) * tokensPerBlock;
  const poolTokens = Math.min(
    ...stages.map(
      ({ kvPool }, stage) => kvCapacity(kvLayout(config, model, stage), kvPool, tokensPerBlock).tokens,
    ),
  );
  const sequence = blocksFor(maxSequenceTokens, tokensPerBlock) * tokensPerBlock * maxBeamWidth;
  const longest = model.maxPositions ?? Number.POSITIVE_INFINITY;
  const fullBatchTokens = maxBatchSize * sequence;
  return {
    poolTokens,
    fullBatchTokens,
    fullBatchBytes: fullBatchTokens * bytesPerToken,
    largestBatch: Math.min(maxBatchSize, Math.floor(poolTokens / sequence)),
    largestContext: Math.min(longest, wholeBlocks(poolTokens / maxBeamWidth)),
    largestContextOfFullBatch: Math.min(longest, wholeBlocks(poolTokens / maxBatchSize / maxBeamWidth)),
  };
}
