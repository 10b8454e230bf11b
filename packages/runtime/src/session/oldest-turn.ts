import type { ChatMessage } from "../chat/chat-message.ts";

/**
 * The conversation without its oldest turn: a user's message and all up to the next one. System messages at the
 * beginning stay. `undefined` where only the last turn is left.
 */
export function withoutOldestTurn(
  messages: readonly ChatMessage[],
): { readonly kept: readonly ChatMessage[]; readonly dropped: readonly ChatMessage[] } | undefined {
  const first = messages.findIndex(({ role }) => role !== "system");
  const next = messages.findIndex(({ role }, index) => role === "user" && index > first);
  if (first === -1 || next === -1) return undefined;
  return {
    kept: [...messages.slice(0, first), ...messages.slice(next)],
    dropped: messages.slice(first, next),
  };
}
