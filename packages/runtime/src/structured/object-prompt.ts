import { type ChatMessage, contentText } from "../chat/chat-message.ts";
import type { JsonSchema } from "../schema/schema.ts";

/** The conversation, with a first message that tells what to answer with. */
export function objectMessages(
  prompt: string | readonly ChatMessage[],
  { $schema: _, ...schema }: JsonSchema,
): readonly ChatMessage[] {
  const messages: readonly ChatMessage[] =
    typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt;
  const told = `Answer with JSON that fits this schema: ${JSON.stringify(schema)}`;
  const [first, ...rest] = messages;
  if (first?.role !== "system") return [{ role: "system", content: told }, ...messages];
  return [{ role: "system", content: `${contentText(first.content)}\n\n${told}` }, ...rest];
}
