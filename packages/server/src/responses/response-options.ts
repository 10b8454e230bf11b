import type { ChatOptions, LLM } from "@trtllm-node/runtime";
import { ApiError } from "../api-error.ts";
import { guideOf } from "../chat/response-format.ts";
import { templateVariables } from "../chat/template-variables.ts";
import { toolChoiceOf, toolsOf } from "../chat/tools.ts";
import { checkMaxTokens, generateOptions } from "../request/generation-fields.ts";
import type { ResponsesRequest } from "../request/responses-request.ts";

/**
 * What a request asks of the runtime, all but its messages.
 * @param limit most tokens of an answer
 * @throws ApiError: what does not go together
 */
export function responseOptions(
  request: ResponsesRequest,
  { tokenizer }: LLM,
  limit: number | undefined,
): Omit<ChatOptions, "signal" | "seed"> {
  const tools = toolsOf(request.tools ?? [], (index) => `tools[${index}]`, request.tool_choice);
  const toolChoice = toolChoiceOf(request.tool_choice, tools);
  const guided = guideOf(request.text?.format, { tools, toolChoice }, "text.format");
  const wish = {
    effort: request.reasoning?.effort,
    field: "reasoning.effort",
    formatted: guided !== undefined,
    variables: request.chat_template_kwargs,
  };
  return {
    ...generateOptions(request, tokenizer),
    maxTokens: checkMaxTokens("max_output_tokens", request.max_output_tokens, limit),
    tools,
    toolChoice,
    guided,
    templateVariables: templateVariables(wish, tokenizer.chatTemplate),
    ...logProbs(request),
  };
}

function logProbs({ include, top_logprobs: top }: ResponsesRequest) {
  if (include?.includes("message.output_text.logprobs")) return { logProbs: true, topLogProbs: top ?? 0 };
  if (!top) return {};
  const message =
    "Invalid value for 'top_logprobs': 'include' must have 'message.output_text.logprobs' to use it.";
  throw new ApiError(400, message, { param: "top_logprobs", code: "invalid_value" });
}
