import { type EngineInfo, InvalidRequestError, unknownOption } from "@trtllm-node/core";
import { type ChatFormat, type ChatFormatOptions, type ChatPrompt, optionsFor } from "../chat/chat-format.ts";
import { type ChatMessage, checkMessages } from "../chat/chat-message.ts";
import { ChatStream } from "../chat/chat-stream.ts";
import { concatTokens } from "../concat-tokens.ts";
import type { IncrementalDecoder } from "../detokenizer/incremental-decoder.ts";
import { SessionBusyError } from "../errors.ts";
import { contextTokens, type GenerateOptions } from "../generate-options.ts";
import { encodeAsync, encodeNow, isShort } from "../prompt-text.ts";
import type { TextStream } from "../stream/text-stream.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { withoutOldestTurn } from "./oldest-turn.ts";
import { type SessionResult, SessionStream } from "./session-stream.ts";
import { unlessAborted } from "./unless-aborted.ts";
import { afterWarm, type WarmPrefix, warmPrefix } from "./warm-prefix.ts";

export interface SessionOptions extends Pick<ChatFormatOptions, "tools" | "templateVariables"> {
  /** The first message. */
  readonly system?: string | undefined;
  /** What was said before: `session.messages`, or those of a saved session. Default: nothing. */
  readonly messages?: readonly ChatMessage[] | undefined;
  /**
   * What happens when prompt and answer no longer fit the engine. `"refuse"`: PromptTooLongError.
   * `"drop-oldest-turns"`: as many as needed are left out from then on, and `droppedMessages` of the answer says
   * which; system messages at the beginning and the last turn stay. Default `"refuse"`.
   */
  readonly whenFull?: "refuse" | "drop-oldest-turns" | undefined;
  /**
   * Tokens kept free for an answer without `maxTokens`, when turns are dropped. Default: a quarter of what the engine
   * can hold.
   */
  readonly answerTokens?: number | undefined;
  /** What `send` does while an answer is being given. `"refuse"`: SessionBusyError. Default `"refuse"`. */
  readonly whileBusy?: "refuse" | "queue" | undefined;
}

/** A session as JSON: give it to `llm.session` to go on. Tools are code, and are given again. */
export type SavedSession = Pick<
  SessionOptions,
  "messages" | "templateVariables" | "whenFull" | "answerTokens" | "whileBusy"
>;

export interface SendOptions extends GenerateOptions, Pick<ChatFormatOptions, "toolChoice"> {}

/** What is said: a text of the user, or messages such as results of tools. */
export type SessionInput = string | ChatMessage | readonly ChatMessage[];

/** What a session needs of a language model. */
export interface SessionModel {
  readonly engine: EngineInfo;
  readonly tokenizer: Tokenizer;
  readonly chatFormat: ChatFormat;
  submit(
    tokens: Int32Array | Promise<Int32Array>,
    options: GenerateOptions,
    createDecoder: () => IncrementalDecoder,
  ): TextStream;
}

/** A prompt that leaves room for its answer. */
interface Fitted {
  readonly prompt: ChatPrompt;
  readonly tokens: Int32Array;
  readonly kept: readonly ChatMessage[];
  readonly dropped: readonly ChatMessage[];
}

const known = Object.keys({
  system: true,
  messages: true,
  tools: true,
  templateVariables: true,
  whenFull: true,
  answerTokens: true,
  whileBusy: true,
} satisfies Record<keyof SessionOptions, true>);

/** One conversation. Its prompts continue each other token for token, so that the KV cache has all but what is new. */
export class Session {
  readonly #model: SessionModel;
  readonly #options: Omit<SessionOptions, "system" | "messages">;
  #messages: readonly ChatMessage[];
  #warm: WarmPrefix | undefined;
  #busy = false;
  /** Settles when everything that was sent has been answered. */
  #idle: Promise<unknown> = Promise.resolve();

  /** @throws InvalidRequestError: unknown option, or malformed messages */
  constructor(model: SessionModel, { system, messages = [], ...options }: SessionOptions = {}) {
    checkOptions({ system, messages, ...options });
    this.#model = model;
    this.#options = options;
    this.#messages =
      system === undefined ? [...messages] : [{ role: "system", content: system }, ...messages];
    if (this.#messages.length > 0) checkMessages(this.#messages);
  }

  /** What has been said, without an answer that is still being given. */
  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  /** An answer is being given. */
  get busy(): boolean {
    return this.#busy;
  }

  /**
   * Says something, and streams the answer. Once it has ended, also by `cancel()`, both are part of the conversation. An
   * answer that fails, is aborted, or is cancelled before its first token leaves the session as it was. A long text is
   * tokenized off the event loop first, and what is wrong with it is in the stream and its result.
   * @throws SessionBusyError, whatever `whileBusy` says; what `llm.chat` throws
   */
  stream(input: SessionInput, options: SendOptions = {}): SessionStream {
    if (this.#busy) throw new SessionBusyError();
    const { toolChoice, ...generate } = options;
    const messages = [...this.#messages, ...toMessages(input)];
    const format = this.#model.chatFormat;
    // How the answer is read does not depend on how many turns are left of the prompt.
    const whole = this.#prompt(messages, options);
    const fitted = this.#fit(messages, [], options);
    if (fitted instanceof Promise) fitted.catch(() => {}); // told by the stream, where there is one
    const tokens = fitted instanceof Promise ? fitted.then((fit) => fit.tokens) : fitted.tokens;
    const texts = this.#model.submit(tokens, optionsFor(whole, generate), () => format.createDecoder(whole));
    const chat = new ChatStream(texts, whole);
    this.#busy = true;
    const answered = Promise.all([chat.result, texts.result, fitted]).then(([result, raw, fit]) => {
      const { prompt, tokens, kept, dropped } = fit;
      if (raw.finishReason !== "cancelled" || raw.tokens.length > 0) {
        const text = prompt.parts.map((part) => part.text).join("");
        this.#messages = [...kept, result.message];
        this.#warm = warmPrefix({ text, tokens }, raw, this.#model.tokenizer);
      }
      return { ...result, droppedMessages: dropped };
    });
    const result = answered.finally(() => {
      this.#busy = false;
    });
    this.#idle = Promise.allSettled([this.#idle, result]);
    return new SessionStream(chat, result);
  }

  /** Says something, and resolves with the whole answer. Rejects with what `stream` throws. */
  async send(input: SessionInput, options: SendOptions = {}): Promise<SessionResult> {
    if (this.#options.whileBusy !== "queue") return this.stream(input, options).result;
    const answer = unlessAborted(this.#idle, options.signal).then(() => this.stream(input, options).result);
    this.#idle = Promise.allSettled([this.#idle, answer]);
    return answer;
  }

  /** Another conversation that begins with all that was said here, and shares its KV cache. */
  fork(): Session {
    const fork = new Session(this.#model, { ...this.#options, messages: this.#messages });
    fork.#warm = this.#warm;
    return fork;
  }

  toJSON(): SavedSession {
    const { tools: _, ...options } = this.#options;
    return { messages: this.#messages, ...options };
  }

  #prompt(messages: readonly ChatMessage[], { toolChoice }: SendOptions): ChatPrompt {
    const { tools, templateVariables } = this.#options;
    return this.#model.chatFormat.prompt(messages, { tools, templateVariables, toolChoice });
  }

  /**
   * The prompt of the messages, without as many turns as the policy says.
   * @param dropped before
   */
  #fit(
    kept: readonly ChatMessage[],
    dropped: readonly ChatMessage[],
    options: SendOptions,
  ): Fitted | Promise<Fitted> {
    const { whenFull = "refuse", answerTokens } = this.#options;
    const { engine, tokenizer } = this.#model;
    const limit = contextTokens(engine);
    const answer = options.maxTokens ?? answerTokens ?? Math.floor(limit / 4);
    const prompt = this.#prompt(kept, options);
    const { before, texts } = afterWarm(this.#warm, prompt.parts, tokenizer);
    const judge = (rest: Int32Array): Fitted | Promise<Fitted> => {
      const tokens = concatTokens([before, rest]);
      const less =
        tokens.length + answer > limit && whenFull !== "refuse" ? withoutOldestTurn(kept) : undefined;
      if (less === undefined) return { prompt, tokens, kept, dropped };
      return this.#fit(less.kept, [...dropped, ...less.dropped], options);
    };
    if (isShort(texts)) return judge(encodeNow(texts, tokenizer));
    return encodeAsync(texts, tokenizer, options.signal).then(judge);
  }
}

function toMessages(input: SessionInput): readonly ChatMessage[] {
  if (typeof input === "string") return [{ role: "user", content: input }];
  return Array.isArray(input) ? input : [input as ChatMessage];
}

function checkOptions(options: SessionOptions): void {
  const unknown = Object.keys(options).filter((key) => !known.includes(key));
  const wrong = unknown.map((key) => unknownOption([key], known));
  const { whenFull = "refuse", whileBusy = "refuse", answerTokens = 1 } = options;
  if (!["refuse", "drop-oldest-turns"].includes(whenFull)) {
    wrong.push(`whenFull is ${JSON.stringify(whenFull)}. It must be "refuse" or "drop-oldest-turns".`);
  }
  if (!["refuse", "queue"].includes(whileBusy)) {
    wrong.push(`whileBusy is ${JSON.stringify(whileBusy)}. It must be "refuse" or "queue".`);
  }
  if (!(Number.isInteger(answerTokens) && answerTokens > 0)) {
    wrong.push(`answerTokens is ${answerTokens}. It must be a whole number of at least 1.`);
  }
  if (wrong.length > 0) throw new InvalidRequestError(wrong.join(" "));
}
