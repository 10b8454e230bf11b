import type {
  FinishReason,
  RequestKvBlocks,
  RequestTimings,
  SpeculativeDecodingMetrics,
  TokenResult,
  TopLogProbs,
} from "@trtllm-node/core";

import { type Percentiles, percentiles } from "./metrics/percentiles.ts";

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
  /** Where the engine guessed tokens for it. */
  readonly speculativeDecoding?: SpeculativeDecodingMetrics | undefined;
  /** Natural logarithms, one per token, where the request asked for them. */
  readonly logProbs?: Float32Array | undefined;
  /** The most likely tokens at each position, where the request asked for them. */
  readonly topLogProbs?: TopLogProbs | undefined;
  /** Natural logarithm: the sum of `logProbs`. Of an answer found by beam search always, with its end token's. */
  readonly cumLogProb?: number | undefined;
  /** One per token of the prompt, where the request asked for them; NaN for the first. */
  readonly promptLogProbs?: Float32Array | undefined;
  readonly promptTopLogProbs?: TopLogProbs | undefined;
}

export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Of the prompt's tokens, those found in the KV cache, counted in whole blocks. */
  readonly cachedPromptTokens: number;
}

export interface GenerationTimings extends Omit<RequestTimings, "interTokenLatenciesMs"> {
  /** Of the times between tokens; `undefined` under two tokens. */
  readonly interTokenPercentilesMs: Percentiles | undefined;
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
  prompt: PromptInfo,
): GenerationResult {
  const { tokens, kvBlocks, logProbs, topLogProbs, cumLogProb, promptLogProbs, promptTopLogProbs } = result;
  const { interTokenLatenciesMs, ...timings } = result.timings;
  return {
    text,
    tokens,
    finishReason: finishReasonOf(result, stopString, prompt),
    stopString,
    usage: {
      promptTokens: prompt.promptTokens,
      completionTokens: tokens.length,
      cachedPromptTokens: cachedPromptTokens(result, prompt),
    },
    timings: {
      ...timings,
      interTokenPercentilesMs: percentiles(interTokenLatenciesMs),
      tokensPerSecond: timings.totalMs > 0 ? (tokens.length / timings.totalMs) * 1000 : 0,
    },
    kvBlocks,
    speculativeDecoding: result.speculativeDecoding,
    logProbs,
    topLogProbs,
    cumLogProb,
    promptLogProbs,
    promptTopLogProbs,
  };
}

export function cachedPromptTokens(
  { kvBlocks }: TokenResult,
  { promptTokens, tokensPerBlock }: PromptInfo,
): number {
  return Math.min(kvBlocks.reused * tokensPerBlock, promptTokens);
}

/** @param stopString the one that was found */
export function finishReasonOf(
  { tokens, finishReason }: Pick<TokenResult, "tokens" | "finishReason">,
  stopString: string | undefined,
  { endIds }: PromptInfo,
): FinishReason {
  if (stopString !== undefined) return "stop";
  // All end tokens of the model but the first are stop tokens of the request.
  return finishReason === "stop" && endIds.includes(tokens.at(-1) ?? -1) ? "end" : finishReason;
}
