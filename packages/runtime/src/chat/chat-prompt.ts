import { randomUUID } from "node:crypto";
import { InvalidRequestError } from "@trtllm-node/core";
import { ChatTemplateError } from "../errors.ts";
import type { PromptText } from "../prompt-text.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ChatTemplate, RenderOptions } from "./chat-template.ts";
import type { TemplateMessage } from "./template-messages.ts";

/** What is to be written. */
export interface Conversation extends Omit<RenderOptions, "addGenerationPrompt"> {
  readonly messages: readonly TemplateMessage[];
  /** The answer continues the last message, which is the assistant's. */
  readonly continueFinalMessage: boolean;
}

/** Of a prompt; a content is text that came from outside, in which no special token is read. */
export interface PromptPart {
  readonly text: string;
  readonly isContent: boolean;
}

/**
 * The text of a conversation, in parts. What a message says never becomes structure: "<|im_end|>" in a content is those
 * letters, and cannot end the turn.
 *
 * Normally there is one part. Only where a text of a message holds that of a special token are the template's text and
 * the messages' texts apart, which can merge characters at their borders differently.
 * @throws ChatTemplateError, InvalidRequestError
 */
export function chatPromptParts(
  conversation: Conversation,
  template: ChatTemplate,
  tokenizer: Tokenizer,
): PromptPart[] {
  const rendered = write(conversation, template);
  const hasSpecial = (text: string) => tokenizer.containsSpecial(text);
  checkNames(conversation, hasSpecial);
  const texts: string[] = [];
  mapTexts(conversation.messages, (text) => {
    texts.push(text);
    return text;
  });
  // Joined: two contents that the template puts side by side cannot make a special token together either.
  if (!hasSpecial(texts.join(""))) return [{ text: rendered, isContent: false }];
  return splitAtTexts(conversation, template, rendered, texts);
}

/** @param addSpecial put BOS where the model wants it; a template that writes BOS itself gets no second one */
export function promptTexts(
  parts: readonly PromptPart[],
  tokenizer: Tokenizer,
  { addSpecial }: { readonly addSpecial: boolean },
): PromptText[] {
  const wantsBos =
    addSpecial && (tokenizer.bosToken === "" || !parts[0]?.text.startsWith(tokenizer.bosToken));
  return parts.map(({ text, isContent }, index) => ({
    text,
    addSpecial: wantsBos && index === 0,
    parseSpecial: !isContent,
  }));
}

function write({ messages, continueFinalMessage, ...options }: Conversation, template: ChatTemplate): string {
  if (!continueFinalMessage) return template.render(messages, { ...options, addGenerationPrompt: true });
  // A mark in its place, since a template may trim or split a content, and end the turn behind it.
  const mark = randomMark();
  const final = messages.at(-1)!;
  const marked = [...messages.slice(0, -1), { ...final, content: mark }];
  const rendered = template.render(marked, { ...options, addGenerationPrompt: false });
  const end = rendered.lastIndexOf(mark);
  if (end === -1) {
    throw new ChatTemplateError(
      "The model's chat template does not write the last message, so continueFinalMessage cannot continue it. " +
        "Put another chat_template.jinja into the engine directory.",
    );
  }
  return rendered.slice(0, end) + final.content;
}

/** Names come from the application's code: a special token in one is a mistake. */
function checkNames({ messages, tools }: Conversation, hasSpecial: (text: string) => boolean): void {
  const names = messages.flatMap(({ role, name = "", tool_call_id: id = "", tool_calls: calls = [] }) => [
    role,
    name,
    id,
    ...calls.flatMap((call) => [call.id, call.function.name]),
  ]);
  if (!hasSpecial(names.join(" ")) && (tools === undefined || !hasSpecial(JSON.stringify(tools)))) return;
  throw new InvalidRequestError(
    "The text of a special token is part of a tool's definition, or of the name or id of a tool call. " +
      "Remove it there; only messages' contents and calls' arguments can hold it.",
  );
}

/** Every text in the messages that came from outside, in order. */
function mapTexts(messages: readonly TemplateMessage[], map: (text: string) => string): TemplateMessage[] {
  return messages.map((message) => ({
    ...message,
    content: map(message.content),
    ...(message.reasoning_content !== undefined && { reasoning_content: map(message.reasoning_content) }),
    ...(message.tool_calls !== undefined && {
      tool_calls: message.tool_calls.map((call) => ({
        ...call,
        function: {
          ...call.function,
          arguments: mapStrings(call.function.arguments, map) as Record<string, unknown>,
        },
      })),
    }),
  }));
}

function mapStrings(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === "string") return map(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, map));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [map(key), mapStrings(item, map)]));
}

/** Finds the texts in the rendered prompt by rendering marks in their place. */
function splitAtTexts(
  conversation: Conversation,
  template: ChatTemplate,
  rendered: string,
  texts: readonly string[],
): PromptPart[] {
  const mark = randomMark();
  let count = 0;
  const messages = mapTexts(conversation.messages, () => `${mark}${count++}n`);
  // Splitting by a group keeps what it matched: text, index, text, index, ..., text.
  const pieces = write({ ...conversation, messages }, template).split(new RegExp(`${mark}(\\d+)n`));
  const parts: PromptPart[] = [{ text: pieces[0]!, isContent: false }];
  let end = pieces[0]!.length;
  for (let index = 1; index < pieces.length; index += 2) {
    const [content, after] = [texts[Number(pieces[index])]!, pieces[index + 1]!];
    const written = formsOf(content).find((form) => rendered.startsWith(form + after, end));
    if (written === undefined) break;
    parts.push({ text: written, isContent: true }, { text: after, isContent: false });
    end += written.length + after.length;
  }
  if (end === rendered.length && rendered.startsWith(pieces[0]!))
    return parts.filter(({ text }) => text !== "");
  throw new InvalidRequestError(
    "A message holds the text of a special token, and this model's chat template changes messages in a way that does " +
      "not let it be kept apart from the template's own tokens. Remove that text from the message.",
  );
}

/** How templates write a text: as it is, trimmed, or within JSON. */
function formsOf(text: string): string[] {
  return [text, text.trim(), text.trimStart(), text.trimEnd(), JSON.stringify(text).slice(1, -1)];
}

function randomMark(): string {
  return `content${randomUUID().replaceAll("-", "")}n`;
}
