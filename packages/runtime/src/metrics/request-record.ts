import { AbortedError, type TokenResult, type TrtllmError } from "@trtllm-node/core";
import { cachedPromptTokens, finishReasonOf, type PromptInfo } from "../generation-result.ts";
import { decodeAnswer, type TextDecoding } from "../stream/text-stream.ts";
import type { RequestRecord } from "./llm-metrics.ts";

/** @param end the result of a request, or its error */
export function requestRecord(
  end: TokenResult | TrtllmError,
  decoding: TextDecoding,
  prompt: PromptInfo,
): RequestRecord {
  const { promptTokens } = prompt;
  if (end instanceof Error) {
    const outcome = end instanceof AbortedError ? "aborted" : "failed";
    return {
      outcome,
      promptTokens,
      cachedPromptTokens: 0,
      completionTokens: 0,
      timings: undefined,
      error: end,
    };
  }
  // Whether a stop string was met is in the text, and maybe nobody has read that.
  const stopString = decoding.stop.length > 0 ? decodeAnswer(end.tokens, decoding).stopString : undefined;
  return {
    outcome: finishReasonOf(end, stopString, prompt),
    promptTokens,
    cachedPromptTokens: cachedPromptTokens(end, prompt),
    completionTokens: end.tokens.length,
    timings: end.timings,
    error: undefined,
  };
}
