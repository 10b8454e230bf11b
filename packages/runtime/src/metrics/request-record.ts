import {
  AbortedError,
  type RequestTimings,
  type SequenceResult,
  type TokenResult,
  type TrtllmError,
} from "@trtllm-node/core";
import { cachedPromptTokens, finishReasonOf, type PromptInfo } from "../generation-result.ts";
import { decodeAnswer, type TextDecoding } from "../stream/text-stream.ts";
import type { RequestRecord } from "./llm-metrics.ts";

export type SubmittedRequest = Pick<RequestRecord, "arrivalMs" | "prompt" | "maxTokens">;

/**
 * One of several answers speaks for how its request ended.
 * @param end the result of a request, or its error
 */
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
      answers: [],
      timings: undefined,
      error: end,
    };
  }
  const { sequences = [end] } = end;
  // Whether a stop string was met is in the text, and maybe nobody has read that.
  const stopString = decoding.stop.length > 0 ? decodeAnswer(end.tokens, decoding).stopString : undefined;
  return {
    ...submitted,
    outcome: finishReasonOf(end, stopString, info),
    promptTokens,
    cachedPromptTokens: cachedPromptTokens(end, info),
    answers: sequences.map(({ tokens }) => tokens),
    completionTokens: sequences.reduce((sum, { tokens }) => sum + tokens.length, 0),
    timings: sequences.length === 1 ? end.timings : timingsOfAll(sequences),
    error: undefined,
  };
}

/** From the first token of any of them to the last. */
function timingsOfAll(sequences: readonly SequenceResult[]): RequestTimings {
  const [first, ...others] = sequences.map(({ timings }) => timings);
  const latencies = [first!, ...others].flatMap(({ interTokenLatenciesMs }) => [...interTokenLatenciesMs]);
  return {
    ...first!,
    totalMs: Math.max(first!.totalMs, ...others.map(({ totalMs }) => totalMs)),
    interTokenLatenciesMs: Float64Array.from(latencies),
  };
}
