import { AbortedError, type TokenResult, type TrtllmError } from "@trtllm-node/core";
import { cachedPromptTokens, finishReasonOf, type PromptInfo } from "../generation-result.ts";
import { decodeAnswer, type TextDecoding } from "../stream/text-stream.ts";
import type { RequestRecord } from "./llm-metrics.ts";

export type SubmittedRequest = Pick<RequestRecord, "arrivalMs" | "prompt" | "maxTokens">;

/** @param end the result of a request, or its error */
export function requestRecord(
  end: TokenResult | TrtllmError,
  submitted: SubmittedRequest,
  decoding: TextDecoding,
  info: PromptInfo,
): RequestRecord {
  const { promptTokens } = info;
  if (end instanceof Error) {
    const outcome = end instanceof AbortedError ? "aborted" : "failed";
    return {
      ...submitted,
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
    ...submitted,
    outcome: finishReasonOf(end, stopString, info),
    promptTokens,
    cachedPromptTokens: cachedPromptTokens(end, info),
    completionTokens: end.tokens.length,
    timings: end.timings,
    error: undefined,
  };
}
