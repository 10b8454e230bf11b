import {
  AbortedError,
  type EngineInfo,
  Executor,
  type ExecutorLike,
  type ExecutorOptions,
  InvalidRequestError,
  type LoraAdapters,
  type RequestStats,
  type TokenStream,
  UnsupportedError,
} from "@trtllm-node/core";
import { KvCacheMonitor } from "@trtllm-node/kv-cache";
import { ChatFormat, type ChatFormatOptions, optionsFor } from "./chat/chat-format.ts";
import type { ChatMessage } from "./chat/chat-message.ts";
import { ChatStream } from "./chat/chat-stream.ts";
import { concatTokens } from "./concat-tokens.ts";
import type { IncrementalDecoder } from "./detokenizer/incremental-decoder.ts";
import { ChatTemplateError } from "./errors.ts";
import { type GenerateOptions, requestsFor, toExecutorRequest } from "./generate-options.ts";
import type { GenerationResult } from "./generation-result.ts";
import { adaptersOf } from "./lora.ts";
import { LlmMetrics, type LlmMetricsSnapshot, type RequestRecord } from "./metrics/llm-metrics.ts";
import { requestRecord } from "./metrics/request-record.ts";
import { type RequestStart, RequestTrace, type RequestTracer } from "./metrics/request-trace.ts";
import { RunningRequests } from "./metrics/running-requests.ts";
import { RoutingExecutor } from "./pool/routing-executor.ts";
import { encodeAsync, encodeNow, isShort, type PromptText } from "./prompt-text.ts";
import { compileSchema, type Schema } from "./schema/schema.ts";
import {
  type Classification,
  checkChoices,
  classification,
  type Score,
  type ScoreOptions,
  type ScoringOptions,
  scoreBehind,
} from "./scoring/score.ts";
import { bestAnswers, type SeveralOptions, severalAnswers } from "./scoring/several.ts";
import { Session, type SessionModel, type SessionOptions } from "./session/session.ts";
import { PendingTokenStream } from "./stream/pending-token-stream.ts";
import { sequenceStreams } from "./stream/sequence-streams.ts";
import { stopStrings } from "./stream/stop-matcher.ts";
import { type TextDecoding, TextStream } from "./stream/text-stream.ts";
import { objectMessages } from "./structured/object-prompt.ts";
import { ObjectStream } from "./structured/object-stream.ts";
import { loadTokenizer } from "./tokenizer/load-tokenizer.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/** A text, in which "<|im_start|>" is that token, or token ids. */
export type Prompt = string | Int32Array | readonly number[];

type TokenIds = Int32Array | readonly number[];

/** Token ids, or what they are to be made of. */
type PromptSource = TokenIds | readonly PromptText[] | Promise<TokenIds>;

function isTexts(prompt: TokenIds | readonly PromptText[]): prompt is readonly PromptText[] {
  return typeof prompt[0] === "object";
}

type Call = Omit<RequestStart, "options">;

/** All but what says the form of the answer, which the schema does. */
export type ObjectOptions = Omit<GenerateOptions, "guided">;

export interface ChatOptions extends GenerateOptions, ChatFormatOptions {}

/** A language model: text in, text out. Any number of requests may run at once. */
export class LLM implements AsyncDisposable {
  readonly tokenizer: Tokenizer;
  readonly #executor: ExecutorLike;
  /** What the KV cache holds, and remembers of prompts. */
  readonly kvCache: KvCacheMonitor;
  readonly #metrics = new LlmMetrics();
  readonly #trace = new RequestTrace();
  readonly #running: RunningRequests;
  readonly #observers = new Set<(record: RequestRecord) => void>();
  #chatFormat: ChatFormat | undefined;

  /** @param executor is owned by the LLM from here on: `dispose()` disposes it */
  constructor(executor: ExecutorLike, tokenizer: Tokenizer) {
    this.#executor = executor;
    const executors = () =>
      executor instanceof RoutingExecutor ? executor.copies.map((copy) => copy.executor) : [executor];
    this.kvCache = new KvCacheMonitor(executors);
    this.#running = new RunningRequests(executors);
    this.tokenizer = tokenizer;
  }

  /**
   * Loads an engine and its tokenizer.
   * @param path an engine directory, or a GGUF file
   * @throws what `Executor.create` throws; TokenizerError; AbortedError
   */
  static async load(path: string, options: ExecutorOptions = {}): Promise<LLM> {
    const executor = await Executor.create(path, options);
    try {
      const tokenizer = await loadTokenizer(executor);
      if (options.signal?.aborted) {
        throw new AbortedError("Loading was aborted by its signal.", { cause: options.signal.reason });
      }
      return new LLM(executor, tokenizer);
    } catch (error) {
      await executor.dispose();
      throw error;
    }
  }

  get engine(): EngineInfo {
    return this.#executor.engine;
  }

  /** The LoRA adapters that requests may name. */
  get lora(): LoraAdapters {
    return adaptersOf(this.#executor);
  }

  /**
   * Continues a prompt, and gives the text as it is made.
   * @throws InvalidRequestError, PromptTooLongError, KvCacheFullError, QueueFullError, UnsupportedError,
   * DisposedError, AbortedError: at once, before anything runs. A long text is tokenized off the event loop first, and
   * then these are in the stream and its result.
   */
  stream(prompt: Prompt, options: GenerateOptions = {}): TextStream {
    return this.#submit(this.#promptTexts(prompt), options);
  }

  /** Continues a prompt. Rejects with what `stream` throws. */
  async generate(prompt: Prompt, options: GenerateOptions = {}): Promise<GenerationResult> {
    return this.stream(prompt, options).result;
  }

  /**
   * Answers a conversation, written as the model's own chat template says. Special tokens in a message are text. The
   * answer comes in parts: text, reasoning and tool calls.
   * @throws ChatTemplateError, and what `stream` throws
   */
  chat(messages: readonly ChatMessage[], options: ChatOptions = {}): ChatStream {
    return this.chatSeveral(messages, 1, options)[0]!;
  }

  /** Several answers to one conversation, as `streamSeveral` gives them. */
  chatSeveral(messages: readonly ChatMessage[], n: number, options: ChatOptions = {}): ChatStream[] {
    const { tools, toolChoice, continueFinalMessage, templateVariables, ...generate } = options;
    const format = this.#chat;
    const prompt = format.prompt(messages, { tools, toolChoice, continueFinalMessage, templateVariables });
    const createDecoder = () => format.createDecoder(prompt);
    const call = { operation: "chat", messages } as const;
    const texts = this.#submitSeveral(
      format.texts(prompt),
      n,
      optionsFor(prompt, generate),
      createDecoder,
      call,
    );
    return texts.map((each) => new ChatStream(each, prompt));
  }

  /**
   * Answers with an object of a schema, checked and typed. A text is asked as a user's message.
   * @throws ObjectError: the answer ended before the object did, or does not fit what the schema says beyond its form;
   * InvalidRequestError: the schema cannot be used; what `chat` throws
   */
  async generateObject<T>(
    prompt: string | readonly ChatMessage[],
    schema: Schema<T>,
    options: ObjectOptions = {},
  ): Promise<T> {
    return (await this.streamObject(prompt, schema, options).result).object;
  }

  /** The same as it is made: the object's states so far, and the object in the stream's result. */
  streamObject<T>(
    prompt: string | readonly ChatMessage[],
    schema: Schema<T>,
    options: ObjectOptions = {},
  ): ObjectStream<T> {
    const compiled = compileSchema(schema, "The schema");
    const format = this.#chat;
    const messages = objectMessages(prompt, compiled.jsonSchema);
    const texts = format.texts(format.prompt(messages, { answerOnly: true }));
    const guided = { jsonSchema: compiled.jsonSchema };
    return new ObjectStream(this.#submit(texts, { ...options, guided }), compiled);
  }

  /**
   * How likely the model finds a text.
   * @throws UnsupportedError: the engine gives no log-probabilities of a prompt; what `stream` throws
   */
  async score(text: string, { after = "", ...options }: ScoreOptions = {}): Promise<Score> {
    const before = after === "" ? new Int32Array(0) : await this.#encode(after);
    return scoreBehind(before, await this.#encode(after + text), this.#promptLogProbs(options));
  }

  /**
   * The most likely of some texts, as continuations of a prompt or as answers in a conversation. Longer texts are less
   * likely: take choices of about one length, or letters that stand for them.
   * @throws InvalidRequestError: not at least two different choices; what `score` throws
   */
  async classify(
    prompt: string | readonly ChatMessage[],
    choices: readonly string[],
    options: ScoringOptions = {},
  ): Promise<Classification> {
    checkChoices(choices);
    const scores = choices.map(async (choice) => {
      if (typeof prompt === "string") return this.score(choice, { ...options, after: prompt });
      const format = this.#chat;
      const before = encodeNow(format.texts(format.prompt(prompt, {})), this.tokenizer);
      const answer = this.tokenizer.encode(choice, { addSpecial: false, parseSpecial: false });
      return scoreBehind(before, concatTokens([before, answer]), this.#promptLogProbs(options));
    });
    return classification(choices, await Promise.all(scores));
  }

  /**
   * Several answers to one prompt, whose KV cache they share: by seeds, with `bestOf` the best first, or the best beams
   * of a search. Rejects with InvalidRequestError, and what `stream` throws.
   */
  async generateSeveral(prompt: Prompt, options: SeveralOptions): Promise<GenerationResult[]> {
    const several = severalAnswers(options);
    const streams = this.streamSeveral(prompt, several.count, several.options);
    const answers = await Promise.all(streams.map(({ result }) => result));
    return several.count > options.n ? bestAnswers(answers, options.n) : answers;
  }

  /**
   * Several answers to one prompt as they are made. They are one request, or as few as `maxBatchSize` allows: each can
   * be left alone, the results come when all have ended.
   */
  streamSeveral(prompt: Prompt, n: number, options: GenerateOptions = {}): TextStream[] {
    return this.#submitSeveral(this.#promptTexts(prompt), n, options);
  }

  /** @throws UnsupportedError: always. The executor API generates tokens and gives no hidden states to make embeddings of. */
  async embed(_texts: string | readonly string[]): Promise<never> {
    throw new UnsupportedError(
      "Embeddings are not supported: TensorRT-LLM's executor API generates tokens, and returns no pooled hidden states " +
        "of a text. Use an embedding model with a library of its own, such as onnxruntime-node.",
    );
  }

  /** A conversation that is kept for you, and goes on where its KV cache ends. */
  session(options: SessionOptions = {}): Session {
    const llm = this;
    const model: SessionModel = {
      get engine() {
        return llm.engine;
      },
      get tokenizer() {
        return llm.tokenizer;
      },
      get chatFormat() {
        return llm.#chat;
      },
      submit: (tokens, generate, createDecoder) =>
        llm.#submit(tokens, generate, createDecoder, { operation: "chat" }),
    };
    return new Session(model, options);
  }

  /**
   * How many tokens a text has as a prompt, with the special tokens that the model wants around it. Counts a long text
   * off the event loop.
   */
  async countTokens(text: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<number> {
    const texts = [{ text, addSpecial: true, parseSpecial: true }];
    const { length } = isShort(texts)
      ? encodeNow(texts, this.tokenizer)
      : await encodeAsync(texts, this.tokenizer, signal);
    return length;
  }

  /** Counts and latencies of all requests since the engine was loaded. */
  metrics(): LlmMetricsSnapshot {
    return this.#metrics.snapshot();
  }

  /**
   * Tells about each request when it ends. What the observer throws is an uncaught exception.
   * @returns ends the observation
   */
  observe(observer: (record: RequestRecord) => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /**
   * Follows requests: the tracer is called in the turn and the asynchronous context in which one is submitted, and what
   * it returns once the request has ended. A request that is refused is told too. What they throw is an uncaught
   * exception.
   * @returns ends it
   */
  trace(tracer: RequestTracer): () => void {
    return this.#trace.add(tracer);
  }

  /** Requests that run or wait, as of the newest iteration; `undefined` unless `requestStatsMaxIterations` is set. */
  runningRequests(): readonly RequestStats[] | undefined {
    return this.#running.take(this.#metrics.snapshot().requests.active > 0);
  }

  /** Cancels what runs and frees the engine. Idempotent. */
  dispose(): Promise<void> {
    return this.#executor.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #promptTexts(prompt: Prompt): TokenIds | readonly PromptText[] {
    if (prompt instanceof Int32Array || Array.isArray(prompt)) return prompt;
    // BOS alone would make an empty text a prompt that nobody wrote.
    if (typeof prompt !== "string" || prompt === "") {
      throw new InvalidRequestError(
        "The prompt is empty, or neither text nor token ids. Pass a text of at least one character, or an array of token ids.",
      );
    }
    return [{ text: prompt, addSpecial: true, parseSpecial: true }];
  }

  #submit(
    prompt: PromptSource,
    options: GenerateOptions,
    createDecoder?: () => IncrementalDecoder,
    call?: Call,
  ): TextStream {
    return this.#submitSeveral(prompt, 1, options, createDecoder, call)[0]!;
  }

  #submitSeveral(
    prompt: PromptSource,
    count: number,
    options: GenerateOptions,
    createDecoder = () => this.tokenizer.createDecoder(),
    call: Call = { operation: "text_completion" },
  ): TextStream[] {
    const streams: TextStream[] = [];
    try {
      const decoding = { createDecoder, stop: stopStrings(options.stop) };
      for (const part of requestsFor(count, options, this.engine)) {
        streams.push(...this.#request(prompt, part.count, { ...call, options: part.options }, decoding));
      }
    } catch (error) {
      for (const stream of streams) stream.cancel();
      this.#refused({ ...call, options }, error);
      throw error;
    }
    return streams;
  }

  /** One request with `count` answers. */
  #request(prompt: PromptSource, count: number, call: RequestStart, decoding: TextDecoding): TextStream[] {
    const { options } = call;
    const { tokensPerBlock } = this.engine;
    const info = { promptTokens: 0, tokensPerBlock, endIds: this.tokenizer.endIds };
    const arrivalMs = Date.now();
    const start = (tokens: TokenIds) => {
      info.promptTokens = tokens.length;
      const request = toExecutorRequest(tokens, options, this.tokenizer.endIds, this.engine, count);
      const source = this.#executor.submit(request);
      this.#metrics.submitted();
      const submitted = { arrivalMs, prompt: tokens, maxTokens: request.maxTokens * count };
      // Holds no stream: one that is forgotten can be collected.
      const ended = this.#trace.begin(call);
      source.onEnd((end) => {
        const record = requestRecord(end, submitted, decoding, info);
        this.#record(record);
        ended(record);
      });
      return source;
    };
    const source = this.#start(prompt, start, options.signal, (error) => this.#refused(call, error));
    const sources = count === 1 ? [source] : sequenceStreams(source, count);
    return sources.map((each) => new TextStream(each, decoding, info));
  }

  /** At once where the prompt is tokens or short; else once its tokens are there. */
  #start(
    prompt: PromptSource,
    start: (tokens: TokenIds) => TokenStream,
    signal: AbortSignal | undefined,
    refused: (error: unknown) => void,
  ): TokenStream {
    const isComing = prompt instanceof Promise;
    if (!isComing && !isTexts(prompt)) return start(prompt);
    if (!isComing && isShort(prompt)) return start(encodeNow(prompt, this.tokenizer));
    if (signal?.aborted) {
      throw new AbortedError("The request was aborted by its signal.", { cause: signal.reason });
    }
    const cancelling = new AbortController();
    const signals = [cancelling.signal, ...(signal === undefined ? [] : [signal])];
    const tokens = isComing ? prompt : encodeAsync(prompt, this.tokenizer, AbortSignal.any(signals));
    const started = tokens.then(start);
    started.catch(refused);
    return new PendingTokenStream(started, cancelling);
  }

  #refused(call: RequestStart, error: unknown): void {
    this.#metrics.refused();
    this.#trace.begin(call)({ outcome: "refused", error });
  }

  #record(record: RequestRecord): void {
    this.#metrics.ended(record);
    for (const observer of this.#observers) observer(record);
  }

  #encode(text: string): Promise<Int32Array> {
    return this.tokenizer.encodeAsync(text, { addSpecial: true, parseSpecial: true });
  }

  #promptLogProbs(options: ScoringOptions) {
    return (tokens: Int32Array) => this.generate(tokens, { ...options, maxTokens: 1, promptLogProbs: true });
  }

  get #chat(): ChatFormat {
    if (this.#chatFormat !== undefined) return this.#chatFormat;
    const { chatTemplate } = this.tokenizer;
    if (chatTemplate !== undefined) {
      this.#chatFormat = new ChatFormat(chatTemplate, this.tokenizer);
      return this.#chatFormat;
    }
    throw new ChatTemplateError(
      `${this.engine.name} has no chat template. Load a directory that holds the engine and the model's ` +
        "chat_template.jinja, or write the prompt yourself and call generate().",
    );
  }
}
