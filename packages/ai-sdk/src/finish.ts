import type {
  LanguageModelV3FinishReason,
  LanguageModelV3GenerateResult,
  LanguageModelV3Usage,
} from "@ai-sdk/provider";
import { type ChatResult, reasoningTokens, type Tokenizer } from "@trtllm-node/runtime";
import { providerName } from "./provider-options.ts";

type Finish = Required<Pick<LanguageModelV3GenerateResult, "finishReason" | "usage" | "providerMetadata">>;

const unified: Record<ChatResult["finishReason"], LanguageModelV3FinishReason["unified"]> = {
  end: "stop",
  stop: "stop",
  length: "length",
  "tool-calls": "tool-calls",
  "timed-out": "other",
  cancelled: "other",
};

/** @param calls how many tool calls the AI SDK was told of, with those that it has to report or repair */
export function finishOf(result: ChatResult, calls: number, tokenizer: Tokenizer): Finish {
  const raw = result.finishReason;
  const { promptTokens, completionTokens, cachedPromptTokens } = result.usage;
  const reasoning = reasoningTokens(result, tokenizer);
  const { queueMs, timeToFirstTokenMs, totalMs, tokensPerSecond } = result.timings;
  return {
    finishReason: { unified: raw === "end" && calls > 0 ? "tool-calls" : unified[raw], raw },
    usage: {
      inputTokens: {
        total: promptTokens,
        noCache: promptTokens - cachedPromptTokens,
        cacheRead: cachedPromptTokens,
        cacheWrite: undefined,
      },
      outputTokens: {
        total: completionTokens,
        text: reasoning === undefined ? undefined : completionTokens - reasoning,
        reasoning,
      },
      raw: { ...result.usage },
    },
    providerMetadata: {
      [providerName]: {
        queueMs,
        timeToFirstTokenMs,
        totalMs,
        tokensPerSecond,
        ...(result.stopString !== undefined && { stopString: result.stopString }),
      },
    },
  };
}

export const unknownUsage: LanguageModelV3Usage = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};
