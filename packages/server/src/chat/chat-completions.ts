import { envelope } from "../answer/choice.ts";
import { respondStreaming, respondWhole } from "../answer/respond.ts";
import type { Generation } from "../generation.ts";
import { chatSchema, unsupportedInChat } from "../request/chat-request.ts";
import { checkStreamOptions, refuseUnsupported, seedOf } from "../request/generation-fields.ts";
import { parseRequest } from "../request/parse-request.ts";
import { chatChoice, chatFormat } from "./chat-choice.ts";
import { chatOptions } from "./chat-options.ts";
import { chatMessages } from "./messages.ts";

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
  const { name, llm, lora } = models.get(request.model);
  const messages = chatMessages(request.messages);
  const options = {
    ...chatOptions(request, llm, limits.maxTokens),
    lora,
    seed: seedOf(request),
    signal: call.signal,
  };
  const count = request.n ?? 1;
  const choices = llm
    .chatSeveral(messages, count, options)
    .map((stream, index) => chatChoice(stream, index, llm.tokenizer));
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
