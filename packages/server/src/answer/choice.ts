import { randomUUID } from "node:crypto";
import type { GenerationResult, TokenUsage } from "@trtllm-node/runtime";
import { unavailable } from "../api-error.ts";
import type { ChosenLogProb } from "./log-probs.ts";

/** How one of the choices of an answer ended. */
export interface ChoiceEnd {
  readonly finishReason: "stop" | "length" | "tool_calls";
  readonly usage: TokenUsage;
  /** How many of its tokens were reasoning, where that is known. */
  readonly reasoningTokens?: number | undefined;
}

/** What a choice consists of: pieces, then its end. */
export type ChoiceEvent<Piece> = {
  readonly index: number;
  /** Log-probabilities of the tokens since the last event that has any. */
  readonly told?: readonly ChosenLogProb[] | undefined;
} & ({ readonly piece: Piece } | { readonly end: ChoiceEnd });

export interface Envelope {
  readonly id: string;
  readonly object: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

export function envelope(prefix: string, object: string, model: string): Envelope {
  const id = `${prefix}-${randomUUID().replaceAll("-", "")}`;
  return { id, object, created: Math.floor(Date.now() / 1000), model };
}

/** @throws ApiError: it did not end by itself */
export function finishReason(
  reason: GenerationResult["finishReason"] | "tool-calls",
  calledTools = false,
): ChoiceEnd["finishReason"] {
  switch (reason) {
    case "length":
      return "length";
    case "tool-calls":
      return "tool_calls";
    case "end":
      return calledTools ? "tool_calls" : "stop";
    case "stop":
      return "stop";
    default:
      throw unavailable("The answer was cut off: the model is being unloaded.");
  }
}

/** Of all choices, `perPrompt` of which answer the same prompt. */
export class UsageSum {
  #prompt = 0;
  #cached = 0;
  #completion = 0;
  #reasoning: number | undefined;
  readonly #perPrompt: number;

  constructor(perPrompt: number) {
    this.#perPrompt = perPrompt;
  }

  /** @param index of the choice */
  add(index: number, { usage, reasoningTokens }: ChoiceEnd): void {
    this.#completion += usage.completionTokens;
    if (reasoningTokens !== undefined) this.#reasoning = (this.#reasoning ?? 0) + reasoningTokens;
    if (index % this.#perPrompt !== 0) return;
    this.#prompt += usage.promptTokens;
    this.#cached += usage.cachedPromptTokens;
  }

  toJSON(): object {
    return {
      prompt_tokens: this.#prompt,
      completion_tokens: this.#completion,
      total_tokens: this.#prompt + this.#completion,
      prompt_tokens_details: { cached_tokens: this.#cached },
      ...(this.#reasoning !== undefined && {
        completion_tokens_details: { reasoning_tokens: this.#reasoning },
      }),
    };
  }
}
