import type { ChatResult, Tokenizer } from "@trtllm-node/runtime";
import { reasoningTokens } from "@trtllm-node/runtime";
import type { ApiError } from "../api-error.ts";
import type { ResponsesRequest } from "../request/responses-request.ts";
import type { OutputItem } from "./output-items.ts";

/** The response as it is before its first token; later ones replace what has changed. */
export interface ResponseObject {
  readonly id: string;
  readonly object: "response";
  readonly status: "in_progress" | "completed" | "incomplete" | "failed";
  readonly output: readonly OutputItem[];
  readonly [field: string]: unknown;
}

interface ResponseIdentity {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  /** The model's name. */
  readonly model: string;
  readonly stored: boolean;
}

/** With what was asked, as OpenAI repeats it. */
export function begunResponse(
  request: ResponsesRequest,
  { id, created, model, stored }: ResponseIdentity,
): ResponseObject {
  return {
    id,
    object: "response",
    created_at: created,
    status: "in_progress",
    background: false,
    error: null,
    incomplete_details: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: request.metadata ?? {},
    model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: request.previous_response_id ?? null,
    reasoning: { effort: request.reasoning?.effort ?? null, summary: null },
    service_tier: "default",
    store: stored,
    temperature: request.temperature ?? 1,
    text: { format: request.text?.format ?? { type: "text" } },
    tool_choice: request.tool_choice ?? "auto",
    tools: request.tools ?? [],
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    truncation: "disabled",
    usage: null,
  };
}

export function endedResponse(
  begun: ResponseObject,
  output: readonly OutputItem[],
  result: Pick<ChatResult, "usage" | "reasoning" | "tokens">,
  { status, tokenizer }: { readonly status: "completed" | "incomplete"; readonly tokenizer: Tokenizer },
): ResponseObject {
  const { promptTokens, cachedPromptTokens, completionTokens } = result.usage;
  return {
    ...begun,
    status,
    incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
    output,
    usage: {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: cachedPromptTokens },
      output_tokens: completionTokens,
      output_tokens_details: { reasoning_tokens: reasoningTokens(result, tokenizer) ?? 0 },
      total_tokens: promptTokens + completionTokens,
    },
  };
}

export function failedResponse(
  begun: ResponseObject,
  output: readonly OutputItem[],
  { message }: ApiError,
): ResponseObject {
  return { ...begun, status: "failed", error: { code: "server_error", message }, output };
}
