import { InvalidRequestError } from "@trtllm-node/core";

export interface ChatMessage {
  /** "system", "user", "assistant", or what else the model's chat template knows. */
  readonly role: "system" | "user" | "assistant" | (string & {});
  readonly content: string;
}

/** @throws InvalidRequestError: not a non-empty array of messages */
export function checkMessages(messages: readonly ChatMessage[]): void {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new InvalidRequestError(
      `Chat messages must be a non-empty array of { role, content }, but got ${describe(messages)}.`,
    );
  }
  messages.forEach((message: Partial<ChatMessage> | null | undefined, index) => {
    for (const key of ["role", "content"] as const) {
      if (typeof message?.[key] === "string") continue;
      throw new InvalidRequestError(
        `messages[${index}].${key} must be a string, but is ${describe(message?.[key])}. ` +
          'Pass messages such as { role: "user", content: "Hello" }.',
      );
    }
  });
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  return value === null || value === undefined ? String(value) : `a value of type ${typeof value}`;
}
