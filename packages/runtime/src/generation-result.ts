import type { FinishReason, RequestKvBlocks, RequestTimings, TokenResult } from "@trtllm-node/core";

export interface GenerationResult {
  readonly text: string;
  /** Every generated token. */
  readonly tokens: Int32Array;
  /** `"end"`: the model ended its answer. `"length"`: `maxTokens` was reached. */
  readonly finishReason: Exclude<FinishReason, "stop">;
  readonly usage: TokenUsage;
  readonly timings: GenerationTimings;
  readonly kvBlocks: RequestKvBlocks;
  /** Natural logarithms, one per token, where the request asked for them. */
  readonly logProbs?: Float32Array | undefined;
}

export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Of the prompt's tokens, those found in the KV cache, counted in whole blocks. */
  readonly cachedPromptTokens: number;
}

export interface GenerationTimings extends RequestTimings {
  /** Completion tokens over `totalMs`; 0 where there was no token. */
  readonly tokensPerSecond: number;
}

export interface PromptInfo {
  readonly promptTokens: number;
  readonly tokensPerBlock: number;
}

export function toGenerationResult(
  result: TokenResult,
  text: string,
  { promptTokens, tokensPerBlock }: PromptInfo,
): GenerationResult {
  const { tokens, finishReason, timings, kvBlocks, logProbs } = result;
  return {
    text,
    tokens,
    // The only stop tokens a runtime gives are end tokens of the model.
    finishReason: finishReason === "stop" ? "end" : finishReason,
    usage: {
      promptTokens,
      completionTokens: tokens.length,
      cachedPromptTokens: Math.min(kvBlocks.reused * tokensPerBlock, promptTokens),
    },
    timings: {
      ...timings,
      tokensPerSecond: timings.totalMs > 0 ? (tokens.length / timings.totalMs) * 1000 : 0,
    },
    kvBlocks,
    logProbs,
  };
}
