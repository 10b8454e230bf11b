import { randomUUID } from "node:crypto";
import type { GenerationResult, TokenUsage } from "@trtllm-node/runtime";
import { unavailable } from "../api-error.ts";

/** How one of the choices of an answer ended. */
export interface ChoiceEnd {
  readonly finishReason: "stop" | "length" | "tool_calls";
  readonly usage: TokenUsage;
  /** In the form of its kind of answer; `undefined` where they were not asked for. */
  readonly logprobs: object | undefined;
}

/** What a choice consists of: pieces, then its end. */
export type ChoiceEvent<Piece> =
  | { readonly index: number; readonly piece: Piece }
  | { readonly index: number; readonly end: ChoiceEnd };

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
  readonly #perPrompt: number;

  constructor(perPrompt: number) {
    this.#perPrompt = perPrompt;
  }

  add({ index, usage }: { readonly index: number; readonly usage: TokenUsage }): void {
    this.#completion += usage.completionTokens;
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
    };
  }
}
