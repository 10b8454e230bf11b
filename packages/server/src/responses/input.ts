import type { AssistantMessage, ChatMessage } from "@trtllm-node/runtime";
import { toolCall } from "../chat/tools.ts";
import type { InputItem, ResponsesRequest } from "../request/responses-request.ts";

type Content = Extract<InputItem, { type: "message" }>["content"];

/**
 * The items as messages. An assistant's reasoning, text and calls, which are items of their own, become one message.
 * @throws ApiError: arguments of a call that are not JSON
 */
export function inputMessages({ input }: Pick<ResponsesRequest, "input">): ChatMessage[] {
  if (typeof input === "string") return [{ role: "user", content: input }];
  const messages: ChatMessage[] = [];
  /** What the next item of the assistant belongs to. */
  let open: AssistantMessage | undefined;
  const answer = (more: Partial<AssistantMessage>, begins: boolean) => {
    const before = begins ? undefined : open;
    open = { role: "assistant", content: "", ...before, ...more };
    if (before !== undefined) messages.pop();
    messages.push(open);
  };
  input.forEach((item, index) => {
    const said = open !== undefined && (open.content !== "" || open.toolCalls !== undefined);
    if (item.type === "reasoning") {
      answer({ reasoning: reasoningText(item) }, true);
    } else if (item.type === "function_call") {
      const { call_id: id, name } = item;
      const call = toolCall({ id, name, arguments: item.arguments }, `input[${index}].arguments`);
      answer({ toolCalls: [...(open?.toolCalls ?? []), call] }, false);
    } else if (item.type === "message" && item.role === "assistant") {
      answer({ content: text(item.content) }, said);
    } else {
      open = undefined;
      messages.push(otherMessage(item));
    }
  });
  return messages;
}

function otherMessage(item: Extract<InputItem, { type: "message" | "function_call_output" }>): ChatMessage {
  if (item.type === "function_call_output") {
    return { role: "tool", toolCallId: item.call_id, content: text(item.output) };
  }
  return { role: item.role === "user" ? "user" : "system", content: text(item.content) };
}

function reasoningText({ content, summary }: Extract<InputItem, { type: "reasoning" }>): string {
  return (content?.length ? content : (summary ?? [])).map(({ text }) => text).join("");
}

function text(content: Content): string {
  if (typeof content === "string") return content;
  return content.map((part) => part.text ?? part.refusal ?? "").join("");
}
