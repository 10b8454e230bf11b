import type { Limits } from "../config/resolve-build-config.ts";
import type { Gpu } from "./gpus.ts";
import type { SpeedBounds } from "./speed-bounds.ts";
import type { StageWeights } from "./weight-bytes.ts";
import type { WorkingMemory } from "./working-memory.ts";

/** Where the memory of the GPUs goes, in bytes. */
export interface MemoryPlan {
  readonly gpu: Gpu;
  /** GPUs in all: tensor x pipeline x context. */
  readonly gpuCount: number;
  readonly limits: Limits;
  /** One for each pipeline stage; its ranks are alike. */
  readonly stages: readonly StagePlan[];
  /** Of a token, on all GPUs together. */
  readonly kvBytesPerToken: number;
  readonly kv: KvPlan;
  /** Weights, estimated working memory and at least one sequence of `maxSequenceTokens` fit on every GPU. */
  readonly fits: boolean;
  /** What the hardware allows at most; real engines stay below. `undefined` where it does not fit. */
  readonly bounds: SpeedBounds | undefined;
  /** What to change, and what it gains. */
  readonly advice: readonly string[];
}

export interface StagePlan {
  readonly layers: number;
  readonly weights: StageWeights & { readonly total: number };
  /** Estimates. */
  readonly working: WorkingMemory & { readonly total: number };
  readonly kvBytesPerToken: number;
  /** Left for KV blocks: the fraction of what weights and working memory leave. 0 where nothing is left. */
  readonly kvPool: number;
}

/** What the KV cache holds; the stage with the least room decides. */
export interface KvPlan {
  /** Whole blocks, in tokens. */
  readonly poolTokens: number;
  /** Tokens of `maxBatchSize` requests of `maxSequenceTokens`. */
  readonly fullBatchTokens: number;
  /** Bytes of `fullBatchTokens` on all GPUs together. */
  readonly fullBatchBytes: number;
  /** Most requests of `maxSequenceTokens` at once, not above `maxBatchSize`. */
  readonly largestBatch: number;
  /** Longest sequence of one request alone, in tokens; not above what the model was made for. */
  readonly largestContext: number;
  /** Longest sequence that `maxBatchSize` requests can have at once, in tokens. */
  readonly largestContextOfFullBatch: number;
}
