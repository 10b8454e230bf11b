export type TrtllmErrorCode =
  | "ERR_INVALID_CONFIG"
  | "ERR_INVALID_REQUEST"
  | "ERR_PROMPT_TOO_LONG"
  | "ERR_KV_CACHE_FULL"
  | "ERR_QUEUE_FULL"
  | "ERR_UNSUPPORTED"
  | "ERR_SLOW_CONSUMER"
  | "ERR_ABORTED"
  | "ERR_DISPOSED"
  | "ERR_ENGINE_NOT_FOUND"
  | "ERR_ENGINE_CORRUPT"
  | "ERR_ENGINE_INCOMPATIBLE"
  | "ERR_ADAPTER_NOT_FOUND"
  | "ERR_ADAPTER_CORRUPT"
  | "ERR_ADAPTER_INCOMPATIBLE"
  | "ERR_MODEL_NOT_FOUND"
  | "ERR_MODEL_CORRUPT"
  | "ERR_MODEL_UNSUPPORTED"
  | "ERR_DOWNLOAD_FAILED"
  | "ERR_BUILD_FAILED"
  | "ERR_BUILD_LOCKED"
  | "ERR_TOOL_NOT_FOUND"
  | "ERR_BUNDLE_INVALID"
  | "ERR_OUT_OF_MEMORY"
  | "ERR_EXECUTOR"
  | "ERR_EXECUTOR_CRASHED"
  | "ERR_LIBRARY_NOT_FOUND"
  | "ERR_LIBRARY_INCOMPATIBLE"
  | "ERR_CHAT_TEMPLATE"
  | "ERR_OBJECT_INCOMPLETE"
  | "ERR_OBJECT_INVALID"
  | "ERR_SESSION_BUSY"
  | "ERR_TOKENIZER"
  | "ERR_TRAFFIC_INVALID"
  | "ERR_NOT_CONFIDENT";

const marker = Symbol.for("trtllm-node.error");

/** Root of every error this SDK throws. `code` is stable; the message may improve. */
export class TrtllmError extends Error {
  readonly code: TrtllmErrorCode;

  constructor(code: TrtllmErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** A getter on the prototype, here and in subclasses: survives minification and stays out of logs. */
  override get name(): string {
    return "TrtllmError";
  }

  get [marker](): true {
    return true;
  }

  /** Like `instanceof TrtllmError`, and also true where two copies of the package are loaded. */
  static isInstance(error: unknown): error is TrtllmError {
    return typeof error === "object" && error !== null && marker in error;
  }
}

/** An option of an executor is unknown, or its value is of the wrong type or out of range. */
export class ConfigError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_INVALID_CONFIG", message, options);
  }
  override get name() {
    return "ConfigError";
  }
}

/** A request is malformed: an empty prompt, an option out of range, an id outside the vocabulary. */
export class InvalidRequestError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_INVALID_REQUEST", message, options);
  }
  override get name() {
    return "InvalidRequestError";
  }
}

/** Prompt and answer together do not fit the engine's sequence limit. All fields count tokens. */
export class PromptTooLongError extends TrtllmError {
  readonly promptTokens: number;
  readonly maxTokens: number;
  /** `EngineInfo.maxSequenceTokens`. */
  readonly limit: number;

  constructor(sizes: { promptTokens: number; maxTokens: number; limit: number }, options?: ErrorOptions) {
    const { promptTokens, maxTokens, limit } = sizes;
    super(
      "ERR_PROMPT_TOO_LONG",
      `The prompt has ${promptTokens} tokens and maxTokens is ${maxTokens}; together they may be at most ` +
        `${limit}. Shorten the prompt, lower maxTokens, or load the engine with a longer sequence limit.`,
      options,
    );
    this.promptTokens = promptTokens;
    this.maxTokens = maxTokens;
    this.limit = limit;
  }
  override get name() {
    return "PromptTooLongError";
  }
}

/** The request needs more KV cache blocks than the whole pool has, so waiting cannot help. */
export class KvCacheFullError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_KV_CACHE_FULL", message, options);
  }
  override get name() {
    return "KvCacheFullError";
  }
}

/** `maxQueueSize` requests are waiting. Try again once one has ended. */
export class QueueFullError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_QUEUE_FULL", message, options);
  }
  override get name() {
    return "QueueFullError";
  }
}

/** More tokens than `maxUnreadTokens` waited for the reader of this stream, which ended its request. */
export class SlowConsumerError extends TrtllmError {
  constructor(unread: number, limit: number, options?: ErrorOptions) {
    super(
      "ERR_SLOW_CONSUMER",
      `${unread} tokens wait to be read, and maxUnreadTokens is ${limit}: the request was cancelled. Read faster, or raise the limit.`,
      options,
    );
  }
  override get name() {
    return "SlowConsumerError";
  }
}

/** TensorRT-LLM knows this feature, the loaded executor does not. */
export class UnsupportedError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_UNSUPPORTED", message, options);
  }
  override get name() {
    return "UnsupportedError";
  }
}

/** An AbortSignal ended it. `name` is "AbortError", as on the web; `cause` is the signal's reason. */
export class AbortedError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ABORTED", message, options);
  }
  override get name() {
    return "AbortError";
  }
}

/** The executor was used after `dispose()`. */
export class DisposedError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_DISPOSED", message, options);
  }
  override get name() {
    return "DisposedError";
  }
}

/** The engine at `path` is missing, damaged, or not for this executor; `code` says which. */
export class EngineError extends TrtllmError {
  declare readonly code: "ERR_ENGINE_NOT_FOUND" | "ERR_ENGINE_CORRUPT" | "ERR_ENGINE_INCOMPATIBLE";
  readonly path: string;

  constructor(code: EngineError["code"], message: string, path: string, options?: ErrorOptions) {
    super(code, message, options);
    this.path = path;
  }
  override get name() {
    return "EngineError";
  }
}

/** The LoRA adapter at `path` is missing, damaged, or not for this engine; `code` says which. The engine goes on. */
export class AdapterError extends TrtllmError {
  declare readonly code: "ERR_ADAPTER_NOT_FOUND" | "ERR_ADAPTER_CORRUPT" | "ERR_ADAPTER_INCOMPATIBLE";
  readonly path: string;

  constructor(code: AdapterError["code"], message: string, path: string, options?: ErrorOptions) {
    super(code, message, options);
    this.path = path;
  }
  override get name() {
    return "AdapterError";
  }
}

/** The native library is missing, cannot be loaded, or is of another version; `code` says which. */
export class LibraryError extends TrtllmError {
  declare readonly code: "ERR_LIBRARY_NOT_FOUND" | "ERR_LIBRARY_INCOMPATIBLE";

  constructor(code: LibraryError["code"], message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
  override get name() {
    return "LibraryError";
  }
}

/** The executor itself failed, or ran out of memory; `code` says which. */
export class ExecutorError extends TrtllmError {
  declare readonly code: "ERR_EXECUTOR" | "ERR_OUT_OF_MEMORY";

  constructor(code: ExecutorError["code"], message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
  override get name() {
    return "ExecutorError";
  }
}

/** The process that an executor lives in (`isolation: "process"`) has ended, or hung and was ended. */
export class ExecutorCrashedError extends TrtllmError {
  /** `null` where a signal ended it, or it was not started. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote to stderr. */
  readonly stderr: string;

  constructor(
    message: string,
    {
      exitCode = null,
      signal = null,
      stderr = "",
      ...options
    }: ErrorOptions & { exitCode?: number | null; signal?: NodeJS.Signals | null; stderr?: string } = {},
  ) {
    super("ERR_EXECUTOR_CRASHED", message, options);
    this.exitCode = exitCode;
    this.signal = signal;
    this.stderr = stderr;
  }
  override get name() {
    return "ExecutorCrashedError";
  }
}
