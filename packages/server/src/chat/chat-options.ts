import type { ChatOptions, LLM } from "@trtllm-node/runtime";
import { ApiError } from "../api-error.ts";
import type { ChatRequest } from "../request/chat-request.ts";
import { checkMaxTokens, generateOptions } from "../request/generation-fields.ts";
import { guideOf } from "./response-format.ts";
import { templateVariables } from "./template-variables.ts";
import { toolChoiceOf, toolsOf } from "./tools.ts";

/**
 * What a request asks of the runtime, all but its messages.
 * @param limit most tokens of an answer
 * @throws ApiError: what does not go together
 */
export function chatOptions(
  request: ChatRequest,
  { tokenizer }: LLM,
  limit: number | undefined,
): Omit<ChatOptions, "signal" | "seed"> {
  if (request.top_logprobs && !request.logprobs) {
    const message = "Invalid value for 'top_logprobs': 'logprobs' must be true to use it.";
    throw new ApiError(400, message, { param: "top_logprobs", code: "invalid_value" });
  }
  const { response_format: format, tool_choice: choice } = request;
  const tools = toolsOf(
    (request.tools ?? []).map((tool) => tool.function),
    (index) => `tools[${index}].function`,
    choice,
  );
  const toolChoice = toolChoiceOf(typeof choice === "string" ? choice : choice?.function, tools);
  const flat = format?.type === "json_schema" ? { type: format.type, ...format.json_schema } : format;
  const guided = guideOf(flat, { tools, toolChoice }, "response_format");
  const wish = {
    effort: request.reasoning_effort,
    field: "reasoning_effort",
    formatted: guided !== undefined,
    variables: request.chat_template_kwargs,
  };
  const maxTokens = request.max_completion_tokens ? "max_completion_tokens" : "max_tokens";
  return {
    ...generateOptions(request, tokenizer),
    maxTokens: checkMaxTokens(maxTokens, request[maxTokens], limit),
    tools,
    toolChoice,
    guided,
    templateVariables: templateVariables(wish, tokenizer.chatTemplate),
    logProbs: request.logprobs ?? undefined,
    topLogProbs: request.top_logprobs ?? undefined,
    continueFinalMessage: request.continue_final_message ?? undefined,
  };
}
