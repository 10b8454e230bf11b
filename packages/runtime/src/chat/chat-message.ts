import { InvalidRequestError, UnsupportedError } from "@trtllm-node/core";

/** One message of a conversation. It is plain JSON, to be stored and sent as it is. */
export type ChatMessage = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

export interface SystemMessage {
  readonly role: "system";
  readonly content: MessageContent;
}

export interface UserMessage {
  readonly role: "user";
  readonly content: MessageContent;
}

export interface AssistantMessage {
  readonly role: "assistant";
  /** "" where the model only called tools. */
  readonly content: MessageContent;
  /** What the model thought before it answered. Most chat templates leave it out of later turns. */
  readonly reasoning?: string | undefined;
  readonly toolCalls?: readonly ToolCall[] | undefined;
}

/** What a tool gave back. */
export interface ToolMessage {
  readonly role: "tool";
  /** `ToolCall.id` of the call that this answers. */
  readonly toolCallId: string;
  readonly content: MessageContent;
}

/** Parts are joined as they are. */
export type MessageContent = string | readonly TextPart[];

export interface TextPart {
  readonly type: "text";
  readonly text: string;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

const roles: readonly unknown[] = ["system", "user", "assistant", "tool"] satisfies ChatMessage["role"][];

/**
 * @throws InvalidRequestError: not a non-empty array of messages
 * @throws UnsupportedError: a content part that is not text
 */
export function checkMessages(messages: readonly ChatMessage[]): void {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new InvalidRequestError(
      `Chat messages must be a non-empty array of { role, content }, but got ${describe(messages)}.`,
    );
  }
  messages.forEach((message: Record<string, unknown> | null | undefined, index) => {
    const at = `messages[${index}]`;
    checkString(message?.role, `${at}.role`);
    if (!roles.includes(message?.role)) {
      throw new InvalidRequestError(
        `${at}.role is ${JSON.stringify(message?.role)}. It must be one of ${roles.join(", ")}.`,
      );
    }
    checkContent(message?.content, `${at}.content`);
    if (message?.reasoning !== undefined) checkString(message.reasoning, `${at}.reasoning`);
    if (message?.role === "tool") checkString(message.toolCallId, `${at}.toolCallId`);
    if (message?.toolCalls !== undefined) checkToolCalls(message, `${at}.toolCalls`);
  });
}

/** The text of a content. */
export function contentText(content: MessageContent): string {
  return typeof content === "string" ? content : content.map(({ text }) => text).join("");
}

function checkContent(content: unknown, at: string): void {
  if (!Array.isArray(content)) {
    checkString(content, at);
    return;
  }
  content.forEach((part: Partial<TextPart> | null | undefined, index) => {
    if (part?.type !== "text") {
      throw new UnsupportedError(
        `${at}[${index}] is of type ${JSON.stringify(part?.type) ?? describe(part)}, but an engine here reads text ` +
          'only: images, audio and files cannot be given. Describe it in a part of type "text".',
      );
    }
    checkString(part.text, `${at}[${index}].text`);
  });
}

function checkToolCalls({ role, toolCalls }: Record<string, unknown>, at: string): void {
  if (role !== "assistant") throw new InvalidRequestError(`${at}: only the assistant calls tools.`);
  if (!Array.isArray(toolCalls))
    throw new InvalidRequestError(`${at} must be an array of { id, name, arguments }.`);
  toolCalls.forEach((call: Partial<ToolCall> | null | undefined, index) => {
    checkString(call?.id, `${at}[${index}].id`);
    checkString(call?.name, `${at}[${index}].name`);
    if (typeof call?.arguments === "object" && call.arguments !== null && !Array.isArray(call.arguments))
      return;
    throw new InvalidRequestError(
      `${at}[${index}].arguments must be an object, but is ${describe(call?.arguments)}.`,
    );
  });
}

function checkString(value: unknown, at: string): void {
  if (typeof value === "string") return;
  throw new InvalidRequestError(
    `${at} must be a string, but is ${describe(value)}. Pass messages such as { role: "user", content: "Hello" }.`,
  );
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  return value === null || value === undefined ? String(value) : `a value of type ${typeof value}`;
}
