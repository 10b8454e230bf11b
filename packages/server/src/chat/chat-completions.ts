import { envelope } from "../answer/choice.ts";
import { respondStreaming, respondWhole } from "../answer/respond.ts";
import { ApiError } from "../api-error.ts";
import type { Generation } from "../generation.ts";
import { chatSchema, unsupportedInChat } from "../request/chat-request.ts";
import {
  checkLogProbs,
  checkMaxTokens,
  checkStreamOptions,
  choiceSeed,
  generateOptions,
  refuseUnsupported,
  seedOf,
} from "../request/generation-fields.ts";
import { parseRequest } from "../request/parse-request.ts";
import { chatChoice, chatFormat } from "./chat-choice.ts";
import { chatMessages, chatToolChoice, chatTools, templateVariables } from "./messages.ts";
import { guideOf } from "./response-format.ts";

/** POST /v1/chat/completions */
export async function chatCompletions({
  body,
  models,
  call,
  limits,
  onError,
}: Generation): Promise<Response> {
  refuseUnsupported(body, unsupportedInChat);
  const request = parseRequest(chatSchema, body);
  checkStreamOptions(request);
  if (request.logprobs) checkLogProbs(request);
  if (request.top_logprobs && !request.logprobs) {
    const message = "Invalid value for 'top_logprobs': 'logprobs' must be true to use it.";
    throw new ApiError(400, message, { param: "top_logprobs", code: "invalid_value" });
  }
  const { name, llm } = models.get(request.model);
  const field = request.max_completion_tokens ? "max_completion_tokens" : "max_tokens";
  const messages = chatMessages(request.messages);
  const seed = seedOf(request);
  const options = {
    ...generateOptions(request, llm.tokenizer),
    maxTokens: checkMaxTokens(field, request[field], limits.maxTokens),
    tools: chatTools(request),
    toolChoice: chatToolChoice(request),
    templateVariables: templateVariables(request, llm.tokenizer.chatTemplate),
    guided: guideOf(request),
    logProbs: request.logprobs ?? undefined,
    topLogProbs: request.top_logprobs ?? undefined,
    continueFinalMessage: request.continue_final_message ?? undefined,
    signal: call.signal,
  };
  const count = request.n ?? 1;
  const choices = Array.from({ length: count }, (_, index) =>
    chatChoice(llm.chat(messages, { ...options, seed: choiceSeed(seed, index) }), index, llm.tokenizer),
  );
  const answer = { choices, perPrompt: count, format: chatFormat };
  if (!request.stream)
    return respondWhole({ ...answer, envelope: envelope("chatcmpl", "chat.completion", name) }, call);
  const includeUsage = request.stream_options?.include_usage ?? false;
  return respondStreaming(
    { ...answer, envelope: envelope("chatcmpl", "chat.completion.chunk", name) },
    call,
    { includeUsage, onError },
  );
}
