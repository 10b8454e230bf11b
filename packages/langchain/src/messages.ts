import { AIMessage, type BaseMessage, ToolMessage } from "@langchain/core/messages";
import { UnsupportedError } from "@trtllm-node/core";
import type { AssistantMessage, ChatMessage } from "@trtllm-node/runtime";

/** @throws UnsupportedError: content that is not text, a message of an unknown kind */
export function chatMessages(messages: readonly BaseMessage[]): ChatMessage[] {
  return messages.map(chatMessage);
}

/** A mask keeps the form of an answer; what the form means is told in the system message. */
export function tellSchema(
  schema: object | undefined,
  messages: readonly ChatMessage[],
): readonly ChatMessage[] {
  if (schema === undefined) return messages;
  const told = `Answer with JSON that fits this schema: ${JSON.stringify(schema)}`;
  const [first, ...rest] = messages;
  if (first?.role !== "system") return [{ role: "system", content: told }, ...messages];
  return [{ role: "system", content: `${first.content}\n\n${told}` }, ...rest];
}

function chatMessage(message: BaseMessage): ChatMessage {
  if (AIMessage.isInstance(message)) return assistantMessage(message);
  if (ToolMessage.isInstance(message)) {
    return { role: "tool", toolCallId: message.tool_call_id, content: textOf(message) };
  }
  switch (message.type) {
    case "system":
    case "developer":
      return { role: "system", content: textOf(message) };
    case "human":
      return { role: "user", content: textOf(message) };
    default:
      throw new UnsupportedError(
        `A message of type ${JSON.stringify(message.type)} has no place in a chat here. Use system, human, ai and tool messages.`,
      );
  }
}

function assistantMessage(message: AIMessage): AssistantMessage {
  const { additional_kwargs: extra, tool_calls: calls = [] } = message;
  const reasoning =
    typeof extra.reasoning_content === "string" ? extra.reasoning_content : reasoningOf(message);
  const toolCalls = calls.map(({ id = "", name, args }) => ({ id, name, arguments: args }));
  return {
    role: "assistant",
    content: textOf(message),
    ...(reasoning !== "" && { reasoning }),
    ...(toolCalls.length > 0 && { toolCalls }),
  };
}

/** Parts that a message tells elsewhere too. */
const toldElsewhere: readonly unknown[] = ["reasoning", "tool_call", "tool_call_chunk", "invalid_tool_call"];

function textOf({ content }: BaseMessage): string {
  if (typeof content === "string") return content;
  return content
    .map((part) => {
      if (part.type === "text" && typeof part.text === "string") return part.text;
      if (toldElsewhere.includes(part.type)) return "";
      throw new UnsupportedError(
        `A message has a part of type ${JSON.stringify(part.type)}, but an engine here reads text only. Describe it in a part of type "text".`,
      );
    })
    .join("");
}

/** Of content in blocks, which is what `outputVersion: "v1"` makes of an answer. */
function reasoningOf({ content }: BaseMessage): string {
  if (typeof content === "string") return "";
  return content.map((part) => (part.type === "reasoning" ? String(part.reasoning) : "")).join("");
}
