import { type AssistantMessage, type ChatMessage, contentText, type ToolCall } from "./chat-message.ts";
import type { ToolSet } from "./tools.ts";

/** A message as chat templates know it. */
export interface TemplateMessage {
  readonly role: string;
  readonly content: string;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly TemplateToolCall[];
  readonly tool_call_id?: string;
  readonly name?: string;
}

interface TemplateToolCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> };
}

/** For a template that writes tools, calls and their results itself. */
export function templateMessages(messages: readonly ChatMessage[]): TemplateMessage[] {
  const names = new Map<string, string>();
  return messages.map((message) => {
    const content = contentText(message.content);
    if (message.role === "tool") {
      const name = names.get(message.toolCallId);
      return { role: "tool", content, tool_call_id: message.toolCallId, ...(name !== undefined && { name }) };
    }
    if (message.role !== "assistant") return { role: message.role, content };
    const calls = message.toolCalls ?? [];
    for (const { id, name } of calls) names.set(id, name);
    return {
      ...assistantMessage(message, content),
      ...(calls.length > 0 && { tool_calls: calls.map(templateToolCall) }),
    };
  });
}

/** For a template that knows no tools: they are told, called and answered in plain text, as Hermes does. */
export function plainMessages(
  messages: readonly ChatMessage[],
  tools: ToolSet | undefined,
): TemplateMessage[] {
  const plain: TemplateMessage[] = [];
  for (const message of messages) {
    const content = contentText(message.content);
    const before = plain.at(-1);
    if (message.role === "tool") {
      const result = `<tool_response>\n${content}\n</tool_response>`;
      if (before?.role === "user" && before.content.endsWith("</tool_response>")) {
        plain[plain.length - 1] = { role: "user", content: `${before.content}\n${result}` };
      } else plain.push({ role: "user", content: result });
    } else if (message.role === "assistant") {
      const calls = (message.toolCalls ?? []).map(
        (call) =>
          `<tool_call>\n${JSON.stringify({ name: call.name, arguments: call.arguments })}\n</tool_call>`,
      );
      const lines = [...(content === "" ? [] : [content]), ...calls];
      plain.push(assistantMessage(message, lines.join("\n")));
    } else plain.push({ role: message.role, content });
  }
  if (tools === undefined) return plain;
  const [first, ...rest] = plain;
  const told = toolInstructions(tools);
  if (first?.role !== "system") return [{ role: "system", content: told }, ...plain];
  return [{ role: "system", content: `${first.content}\n\n${told}` }, ...rest];
}

function assistantMessage({ reasoning }: AssistantMessage, content: string): TemplateMessage {
  return { role: "assistant", content, ...(reasoning !== undefined && { reasoning_content: reasoning }) };
}

function templateToolCall({ id, name, arguments: values }: ToolCall): TemplateToolCall {
  return { id, type: "function", function: { name, arguments: values } };
}

function toolInstructions(tools: ToolSet): string {
  const definitions = tools.definitions().map((definition) => JSON.stringify(definition));
  return [
    "You can call these functions, one JSON object a line:",
    "<tools>",
    ...definitions,
    "</tools>",
    "To call one, write its name and its arguments so:",
    "<tool_call>",
    '{"name": "the function\'s name", "arguments": {"a parameter": "its value"}}',
    "</tool_call>",
  ].join("\n");
}
