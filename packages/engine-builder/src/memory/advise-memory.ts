import { kvCacheTypes } from "../config/quantization-formats.ts";
import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import type { ModelInfo } from "../model/model-info.ts";
import type { MemoryPlan } from "./memory-plan.ts";
import { bufferBytesPerToken, logitBytes } from "./working-memory.ts";

/** TensorRT-LLM warns above this: activations grow with it, throughput hardly does. */
const generousNumTokens = 16_384;

type Draft = Omit<MemoryPlan, "advice">;

/** Sentences, each with what a change would gain in bytes. */
export function adviseMemory(plan: Draft, config: ResolvedBuildConfig, model: ModelInfo): string[] {
  return [
    ...adviseFit(plan),
    ...adviseContext(plan, config, model),
    ...adviseBatch(plan, config),
    ...adviseKvCache(plan, config),
    ...adviseNumTokens(plan, model),
  ];
}

function* adviseFit({ fits, stages, gpu, kv, limits }: Draft): Generator<string> {
  if (fits) return;
  const needed = Math.max(...stages.map(({ weights, working }) => weights.total + working.total));
  if (needed >= gpu.memoryBytes) {
    const missing = count(needed - gpu.memoryBytes);
    yield `It does not fit: weights and working memory exceed the ${count(gpu.memoryBytes)} bytes of ${gpu.name} by ` +
      `${missing} bytes. Quantize the weights further, or raise parallel.tensor.`;
    return;
  }
  yield `It does not fit: the KV cache would hold ${count(kv.poolTokens)} tokens, less than one sequence of ` +
    `limits.maxSequenceTokens (${count(limits.maxSequenceTokens)}). Lower that to ${count(kv.largestContext)}, quantize ` +
    "the KV cache or the weights, or raise parallel.tensor.";
}

function* adviseContext(
  { kv, limits }: Draft,
  config: ResolvedBuildConfig,
  model: ModelInfo,
): Generator<string> {
  const { maxSequenceTokens, maxBatchSize, maxBeamWidth } = limits;
  if (model.maxPositions !== undefined && maxSequenceTokens > model.maxPositions) {
    yield `limits.maxSequenceTokens (${count(maxSequenceTokens)}) is longer than what the model was made for ` +
      `(${count(model.maxPositions)}): answers beyond may be nonsense.`;
  }
  const useful = Math.max(kv.largestContextOfFullBatch, config.kvCache.tokensPerBlock);
  if (kv.largestBatch < 1 || useful >= maxSequenceTokens) return;
  const saved = bufferBytesPerToken * maxBatchSize * maxBeamWidth * (maxSequenceTokens - useful);
  yield `At limits.maxSequenceTokens (${count(maxSequenceTokens)}) the KV cache holds ${count(kv.largestBatch)} of ` +
    `${count(maxBatchSize)} requests at once. All ${count(maxBatchSize)} fit up to ${count(useful)} tokens each; a limit ` +
    `of that frees about ${count(saved)} bytes of buffers on every GPU (estimate).`;
}

function* adviseBatch({ kv, limits }: Draft, config: ResolvedBuildConfig): Generator<string> {
  const spare = kv.poolTokens - kv.fullBatchTokens;
  if (kv.largestBatch < limits.maxBatchSize || spare < kv.fullBatchTokens) return;
  const bytes = Math.floor((spare / Math.max(kv.fullBatchTokens, 1)) * kv.fullBatchBytes);
  const sequence = kv.fullBatchTokens / limits.maxBatchSize;
  const possible = Math.floor(kv.poolTokens / sequence);
  yield `The KV cache has ${count(bytes)} bytes more than limits.maxBatchSize (${count(limits.maxBatchSize)}) full ` +
    `sequences need: raise it up to ${count(possible)}, or serve with ${config.parallel.tensor > 1 ? "fewer GPUs" : "a smaller kvCacheFraction"}; ` +
    "what is left also keeps prefixes for reuse.";
}

function* adviseKvCache(
  { kv, gpu, kvBytesPerToken, limits }: Draft,
  config: ResolvedBuildConfig,
): Generator<string> {
  const { kvCache } = config.quantization;
  if (kvCache !== "auto" || kv.largestBatch >= limits.maxBatchSize) return;
  const better = (["fp8", "int8"] as const).find((type) => kvCacheTypes[type].supports(gpu.sm));
  if (better === undefined) return;
  yield `quantization.kvCache ${better} halves the KV cache: ${count(kvBytesPerToken / 2)} bytes less for each token.`;
}

function* adviseNumTokens({ limits, stages }: Draft, model: ModelInfo): Generator<string> {
  if (limits.maxNumTokens <= generousNumTokens) return;
  const logits = logitBytes(limits, model.vocabularySize);
  const perToken = ((stages[0]?.working.activations ?? 0) - logits) / limits.maxNumTokens;
  const saved = perToken * (limits.maxNumTokens - generousNumTokens);
  yield `limits.maxNumTokens above ${count(generousNumTokens)} costs activations and brings little: that many would ` +
    `free about ${count(saved)} bytes on every GPU (estimate).`;
}

/** Bytes stay bytes here: they are to be compared and added up. */
function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}
