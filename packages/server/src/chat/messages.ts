import type { AssistantMessage, ChatMessage } from "@trtllm-node/runtime";
import { ApiError } from "../api-error.ts";
import type { RequestMessage } from "../request/chat-request.ts";
import { toolCall } from "./tools.ts";

type Content = Extract<RequestMessage, { role: "user" }>["content"];

/** @throws ApiError: arguments of a call that are not JSON, an assistant that says nothing */
export function chatMessages(messages: readonly RequestMessage[]): ChatMessage[] {
  return messages.map(chatMessage);
}

function chatMessage(message: RequestMessage, index: number): ChatMessage {
  switch (message.role) {
    case "system":
    case "developer":
      return { role: "system", content: text(message.content) };
    case "user":
      return { role: "user", content: text(message.content) };
    case "tool":
      return { role: "tool", toolCallId: message.tool_call_id, content: text(message.content) };
    case "assistant":
      return assistantMessage(message, index);
  }
}

function assistantMessage(
  message: Extract<RequestMessage, { role: "assistant" }>,
  index: number,
): AssistantMessage {
  const calls = message.tool_calls ?? [];
  const content = message.content ?? message.refusal;
  if (typeof content !== "string" && !Array.isArray(content) && calls.length === 0) {
    const param = `messages[${index}].content`;
    const said = "An assistant's message needs 'content' or 'tool_calls'.";
    throw new ApiError(400, `Invalid value for '${param}'. ${said}`, { param, code: "invalid_value" });
  }
  const reasoning = message.reasoning_content ?? message.reasoning;
  return {
    role: "assistant",
    content: text(content ?? ""),
    ...(reasoning && { reasoning }),
    ...(calls.length > 0 && {
      toolCalls: calls.map(({ id, function: called }, at) =>
        toolCall({ id, ...called }, `messages[${index}].tool_calls[${at}].function.arguments`),
      ),
    }),
  };
}

function text(content: Content): string {
  if (typeof content === "string") return content;
  return content.map((part) => part.text ?? part.refusal ?? "").join("");
}
