import type { ChatMessage } from "../chat/chat-message.ts";
import type { ChatPart } from "../chat/chat-part.ts";
import type { ChatResult, ChatStream } from "../chat/chat-stream.ts";
import { GenerationStream, textsOf } from "../stream/generation-stream.ts";

export interface SessionResult extends ChatResult {
  /** Messages that were left out to make room, oldest first. */
  readonly droppedMessages: readonly ChatMessage[];
}

/** One answer of a session as it is made. When its iteration has ended, the session is free for the next. */
export class SessionStream extends GenerationStream<ChatPart, SessionResult> {
  readonly result: Promise<SessionResult>;
  readonly #chat: ChatStream;

  constructor(chat: ChatStream, result: Promise<SessionResult>) {
    super();
    this.#chat = chat;
    this.result = result;
    result.catch(() => {});
  }

  cancel(): void {
    this.#chat.cancel();
  }

  [Symbol.asyncIterator](): AsyncIterator<ChatPart, undefined> {
    const parts = this.#chat[Symbol.asyncIterator]();
    return {
      next: async () => {
        const next = await parts.next().catch((error) => error as Error);
        if (!(next instanceof Error) && !next.done) return next;
        await this.#settled();
        if (next instanceof Error) throw next;
        return next;
      },
      return: async () => {
        await parts.return?.();
        await this.#settled();
        return { done: true, value: undefined };
      },
    };
  }

  get textStream(): AsyncIterable<string> {
    return textsOf(this, (part) => (part.type === "text-delta" ? part.text : ""));
  }

  #settled(): Promise<unknown> {
    return this.result.catch(() => {});
  }
}
