import {
  type LanguageModelV3Prompt,
  type LanguageModelV3ToolResultOutput,
  type LanguageModelV3ToolResultPart,
  UnsupportedFunctionalityError,
} from "@ai-sdk/provider";
import type { ChatMessage, ToolCall, ToolMessage } from "@trtllm-node/runtime";

type Message = LanguageModelV3Prompt[number];
type AssistantContent = Extract<Message, { role: "assistant" }>["content"];

/**
 * A prompt of the AI SDK as messages of a chat.
 * @throws UnsupportedFunctionalityError: a part that is not text
 */
export function chatMessages(prompt: LanguageModelV3Prompt): ChatMessage[] {
  return prompt.flatMap(messagesOf);
}

function messagesOf(message: Message): ChatMessage[] {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: message.content }];
    case "user":
      return [{ role: "user", content: message.content.map((part) => textOf(part)).join("") }];
    case "assistant":
      return assistantMessages(message.content);
    case "tool":
      return message.content.map((part) =>
        part.type === "tool-result" ? toolMessage(part) : refuse(part.type),
      );
  }
}

/** Results that another provider has given within its answer become messages behind it. */
function assistantMessages(parts: AssistantContent): ChatMessage[] {
  let content = "";
  let reasoning = "";
  const toolCalls: ToolCall[] = [];
  const results: ToolMessage[] = [];
  for (const part of parts) {
    if (part.type === "reasoning") reasoning += part.text;
    else if (part.type === "tool-call") toolCalls.push(toolCall(part));
    else if (part.type === "tool-result") results.push(toolMessage(part));
    else content += textOf(part);
  }
  const message: ChatMessage = {
    role: "assistant",
    content,
    ...(reasoning !== "" && { reasoning }),
    ...(toolCalls.length > 0 && { toolCalls }),
  };
  return [message, ...results];
}

function toolCall(part: Extract<AssistantContent[number], { type: "tool-call" }>): ToolCall {
  const { toolCallId: id, toolName: name, input } = part;
  const isObject = typeof input === "object" && input !== null && !Array.isArray(input);
  // Chat templates take an object; anything else is what some model wrote wrongly.
  return { id, name, arguments: isObject ? (input as Record<string, unknown>) : { input } };
}

function toolMessage({ toolCallId, output }: LanguageModelV3ToolResultPart): ToolMessage {
  return { role: "tool", toolCallId, content: outputText(output) };
}

function outputText(output: LanguageModelV3ToolResultOutput): string {
  switch (output.type) {
    case "text":
    case "error-text":
      return output.value;
    case "json":
    case "error-json":
      return JSON.stringify(output.value);
    case "execution-denied":
      return output.reason ?? "The call was denied.";
    case "content":
      return output.value.map((part) => textOf(part)).join("");
  }
}

function textOf(part: { readonly type: string; readonly text?: string }): string {
  return part.type === "text" && part.text !== undefined ? part.text : refuse(part.type);
}

function refuse(type: string): never {
  throw new UnsupportedFunctionalityError({
    functionality: `prompt parts of type ${JSON.stringify(type)}`,
    message: `The prompt has a part of type ${JSON.stringify(type)}, but an engine here reads text only. Describe it in a part of type "text".`,
  });
}
