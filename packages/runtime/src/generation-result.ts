import type { FinishReason, RequestKvBlocks, RequestTimings, TokenResult } from "@trtllm-node/core";

export interface GenerationResult {
  readonly text: string;
  /** Every generated token; those after a stop string are not in `text`. */
  readonly tokens: Int32Array;
  /**
   * `"end"`: the model ended its answer. `"stop"`: a stop string or stop word did. `"length"`: `maxTokens` was reached.
   */
  readonly finishReason: FinishReason;
  /** The stop string that ended the answer. It is not part of the text, its tokens are among `tokens`. */
  readonly stopString?: string | undefined;
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
  /** Tokens with which the model ends an answer. */
  readonly endIds: readonly number[];
}

export function toGenerationResult(
  result: TokenResult,
  { text, stopString }: { readonly text: string; readonly stopString: string | undefined },
  { promptTokens, tokensPerBlock, endIds }: PromptInfo,
): GenerationResult {
  const { tokens, finishReason, timings, kvBlocks, logProbs } = result;
  return {
    text,
    tokens,
    finishReason: outcome(finishReason, stopString, endIds.includes(tokens.at(-1) ?? -1)),
    stopString,
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

function outcome(native: FinishReason, stopString: string | undefined, ended: boolean): FinishReason {
  if (stopString !== undefined) return "stop";
  // All end tokens of the model but the first are stop tokens of the request.
  return native === "stop" && ended ? "end" : native;
}
