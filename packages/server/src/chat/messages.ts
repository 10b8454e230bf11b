import type { AssistantMessage, ChatMessage, Tool, ToolCall, ToolChoice } from "@trtllm-node/runtime";
import { ApiError, unsupported } from "../api-error.ts";
import type { ChatRequest, RequestMessage } from "../request/chat-request.ts";

type Content = Extract<RequestMessage, { role: "user" }>["content"];
type RequestCall = NonNullable<Extract<RequestMessage, { role: "assistant" }>["tool_calls"]>[number];

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
      toolCalls: calls.map((call, at) => toolCall(call, `messages[${index}].tool_calls[${at}]`)),
    }),
  };
}

function text(content: Content): string {
  if (typeof content === "string") return content;
  return content.map((part) => part.text ?? part.refusal ?? "").join("");
}

function toolCall({ id, function: { name, arguments: json } }: RequestCall, at: string): ToolCall {
  let values: unknown;
  try {
    values = JSON.parse(json);
  } catch {
    values = undefined;
  }
  if (typeof values === "object" && values !== null && !Array.isArray(values)) {
    return { id, name, arguments: values as Record<string, unknown> };
  }
  const param = `${at}.function.arguments`;
  throw new ApiError(400, `Invalid value for '${param}'. Expected the text of a JSON object.`, {
    param,
    code: "invalid_value",
  });
}

/** @throws ApiError: strict tools */
export function chatTools({ tools }: ChatRequest): Tool[] {
  return (tools ?? []).map(({ function: { name, description, parameters, strict } }, index) => {
    if (strict) {
      throw unsupported(
        `tools[${index}].function.strict`,
        "Arguments cannot be held to a schema while they are written.",
      );
    }
    return { name, description: description ?? undefined, parameters: parameters ?? undefined };
  });
}

/** @throws ApiError: a choice without tools */
export function chatToolChoice({ tools, tool_choice: choice }: ChatRequest): ToolChoice | undefined {
  if (choice === null || choice === undefined) return undefined;
  if (!tools?.length) {
    const message =
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.";
    throw new ApiError(400, message, { param: "tool_choice", code: "invalid_value" });
  }
  return typeof choice === "string" ? choice : { tool: choice.function.name };
}

/**
 * What the model's chat template makes of `reasoning_effort`.
 * @throws ApiError: it knows no such thing
 */
export function templateVariables(
  { reasoning_effort, response_format: format, chat_template_kwargs }: ChatRequest,
  template = "",
): Record<string, unknown> | undefined {
  const variables = chat_template_kwargs ?? {};
  // What has a format has no room for thoughts before it.
  const silent = format && format.type !== "text" && template.includes("enable_thinking");
  const effort = reasoning_effort ?? (silent ? "none" : undefined);
  if (effort === undefined) return variables;
  if (template.includes("reasoning_effort")) return { reasoning_effort: effort, ...variables };
  if (template.includes("enable_thinking")) return { enable_thinking: effort !== "none", ...variables };
  throw unsupported("reasoning_effort", "This model's chat template does not know it.");
}
