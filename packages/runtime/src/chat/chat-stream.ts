import type { GenerationResult } from "../generation-result.ts";
import { GenerationStream, textsOf } from "../stream/generation-stream.ts";
import { joinChunks } from "../stream/join-chunks.ts";
import { PullQueue } from "../stream/pull-queue.ts";
import type { TextChunk, TextStream } from "../stream/text-stream.ts";
import type { ChatPrompt } from "./chat-format.ts";
import type { AssistantMessage, ToolCall } from "./chat-message.ts";
import { ChatParser } from "./chat-parser.ts";
import type { ChatPart, ParsedPart, ToolCallError } from "./chat-part.ts";

export interface ChatResult extends Omit<GenerationResult, "finishReason"> {
  /** The answer, without its reasoning and tool calls. */
  readonly text: string;
  /** What the model thought before it answered; "" where it did not. */
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCall[];
  /** Calls that the model tried to make and that cannot be used. */
  readonly toolCallErrors: readonly ToolCallError[];
  /** `"tool-calls"`: the model ended its answer, and waits for the results of `toolCalls`. */
  readonly finishReason: GenerationResult["finishReason"] | "tool-calls";
  /** The answer as a message, to append to the conversation. */
  readonly message: AssistantMessage;
}

/** One answer of a conversation as it is made. */
export class ChatStream extends GenerationStream<ChatPart, ChatResult> {
  readonly #texts: TextStream;
  readonly #prompt: ChatPrompt;
  #result: Promise<ChatResult> | undefined;

  constructor(texts: TextStream, prompt: ChatPrompt) {
    super();
    this.#texts = texts;
    this.#prompt = prompt;
  }

  get result(): Promise<ChatResult> {
    if (this.#result === undefined) {
      this.#result = this.#texts.result.then((result) => this.#chatResult(result));
      this.#result.catch(() => {});
    }
    return this.#result;
  }

  cancel(): void {
    this.#texts.cancel();
  }

  [Symbol.asyncIterator](): AsyncIterator<ChatPart, undefined> {
    const texts = this.#texts[Symbol.asyncIterator]();
    const { parser, parts } = this.#open();
    let ended = false;
    let untold: TextChunk[] = [];
    const queue = new PullQueue<ChatPart>(async () => {
      if (parts.length > 0) return parts.splice(0);
      if (ended) return undefined;
      const { done, value } = await texts.next();
      ended = done === true;
      const [first, ...rest] = done ? parser.end() : parser.push(value.text);
      if (value?.logProbs !== undefined) untold.push(value);
      if (first === undefined || untold.length === 0) return first === undefined ? [] : [first, ...rest];
      const told = joinChunks(untold);
      untold = [];
      return [{ ...first, told }, ...rest];
    });
    return queue.iterator(() => texts.return?.());
  }

  get textStream(): AsyncIterable<string> {
    return textsOf(this, (part) => (part.type === "text-delta" ? part.text : ""));
  }

  #open(): { readonly parser: ChatParser; readonly parts: ParsedPart[] } {
    const { calls, opening } = this.#prompt;
    const parser = new ChatParser(calls);
    parser.push(opening.hidden);
    return { parser, parts: parser.push(opening.given) };
  }

  #chatResult(result: GenerationResult): ChatResult {
    const { parser, parts } = this.#open();
    parts.push(...parser.push(result.text), ...parser.end());
    const joined = (type: ParsedPart["type"]) =>
      parts.map((part) => (part.type === type && "text" in part ? part.text : "")).join("");
    const text = joined("text-delta");
    const reasoning = joined("reasoning-delta");
    const toolCalls = parts.flatMap(({ type, ...call }) =>
      type === "tool-call-end" ? [call as ToolCall] : [],
    );
    const toolCallErrors = parts.filter((part) => part.type === "tool-call-error");
    const message: AssistantMessage = {
      role: "assistant",
      content: this.#prompt.continued + text,
      ...(reasoning !== "" && { reasoning }),
      ...(toolCalls.length > 0 && { toolCalls }),
    };
    const waits = result.finishReason === "end" && toolCalls.length > 0;
    const finishReason = waits ? "tool-calls" : result.finishReason;
    return { ...result, text, reasoning, toolCalls, toolCallErrors, finishReason, message };
  }
}
