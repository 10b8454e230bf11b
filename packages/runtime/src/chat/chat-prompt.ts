import { randomUUID } from "node:crypto";
import { InvalidRequestError } from "@trtllm-node/core";
import { concatTokens } from "../concat-tokens.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ChatMessage } from "./chat-message.ts";
import type { ChatTemplate } from "./chat-template.ts";

/**
 * The tokens of a conversation. What a message says never becomes structure: "<|im_end|>" in a content is those
 * letters, and cannot end the turn.
 *
 * Normally the rendered text is encoded whole. Only where a content holds the text of a special token are the
 * template's text and the contents encoded apart, which can merge characters at their borders differently.
 * @throws ChatTemplateError, InvalidRequestError
 */
export function encodeChat(
  messages: readonly ChatMessage[],
  template: ChatTemplate,
  tokenizer: Tokenizer,
): Int32Array {
  const rendered = template.render(messages);
  // A template that writes BOS itself must not get a second one.
  const addSpecial = tokenizer.bosToken === "" || !rendered.startsWith(tokenizer.bosToken);
  const hasSpecial = (text: string) =>
    tokenizer.encode(text, { addSpecial: false, parseSpecial: true }).some((id) => tokenizer.isSpecial(id));

  const roles = messages.map(({ role }) => role);
  if (hasSpecial(roles.join(""))) {
    throw new InvalidRequestError(
      `The text of a special token is part of a message's role (${roles.map((role) => JSON.stringify(role)).join(", ")}). ` +
        'Use roles such as "user" and "assistant".',
    );
  }
  // Joined: two contents that the template puts side by side cannot make a special token together either.
  if (!hasSpecial(messages.map(({ content }) => content).join(""))) {
    return tokenizer.encode(rendered, { addSpecial, parseSpecial: true });
  }
  const parts = splitAtContents(messages, template, rendered);
  return concatTokens(
    parts.map(({ text, isContent }, index) =>
      tokenizer.encode(text, { addSpecial: addSpecial && index === 0, parseSpecial: !isContent }),
    ),
  );
}

interface Part {
  readonly text: string;
  readonly isContent: boolean;
}

/** Finds the contents in the rendered text by rendering marks in their place. */
function splitAtContents(messages: readonly ChatMessage[], template: ChatTemplate, rendered: string): Part[] {
  const mark = `content${randomUUID().replaceAll("-", "")}n`;
  const marked = messages.map((message, index) => ({ ...message, content: `${mark}${index}n` }));
  // Splitting by a group keeps what it matched: text, index, text, index, ..., text.
  const pieces = template.render(marked).split(new RegExp(`${mark}(\\d+)n`));
  const contents = messages.map(({ content }) => content);
  for (const candidates of [contents, contents.map((content) => content.trim())]) {
    const parts = pieces.map((piece, index) =>
      index % 2 === 0
        ? { text: piece, isContent: false }
        : { text: candidates[Number(piece)]!, isContent: true },
    );
    if (parts.map(({ text }) => text).join("") === rendered) return parts;
  }
  throw new InvalidRequestError(
    "A message's content holds the text of a special token, and this model's chat template changes contents in a " +
      "way that does not let it be kept apart from the template's own tokens. Remove that text from the content.",
  );
}
