import { type PromptTooLongError, TrtllmError, type TrtllmErrorCode } from "@trtllm-node/core";

interface ApiErrorDetails extends ErrorOptions {
  /** The field of the request that is wrong, such as `messages[0].role`. */
  readonly param?: string | undefined;
  readonly code?: string | undefined;
  /** Default: that of the status. */
  readonly type?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** What is answered instead of a result, in the form of OpenAI's API. */
export class ApiError extends Error {
  readonly status: number;
  readonly #details: ApiErrorDetails;

  constructor(status: number, message: string, { cause, ...details }: ApiErrorDetails = {}) {
    super(message, { cause });
    this.status = status;
    this.#details = details;
  }

  /** The body of the response, and the event that ends a stream. */
  get body(): { readonly error: object } {
    const {
      type = this.status < 500 ? "invalid_request_error" : "server_error",
      param,
      code,
    } = this.#details;
    return { error: { message: this.message, type, param: param ?? null, code: code ?? null } };
  }

  response(): Response {
    return Response.json(this.body, { status: this.status, headers: this.#details.headers ?? {} });
  }
}

/** Clients try again after that many seconds. */
const retryLater = { "retry-after": "1" };

export function tooManyRequests(message: string, cause?: unknown): ApiError {
  return new ApiError(429, message, {
    type: "requests",
    code: "rate_limit_exceeded",
    headers: retryLater,
    cause,
  });
}

export function unavailable(message: string, cause?: unknown): ApiError {
  return new ApiError(503, message, { code: "service_unavailable", headers: retryLater, cause });
}

export function unsupported(param: string, reason: string): ApiError {
  const message = `Unsupported parameter: '${param}'. ${reason}`;
  return new ApiError(400, message, { param, code: "unsupported_parameter" });
}

/** Codes of errors that the request itself is to blame for. */
const badRequests: Partial<Record<TrtllmErrorCode, string | undefined>> = {
  ERR_INVALID_REQUEST: "invalid_value",
  ERR_CHAT_TEMPLATE: "invalid_value",
  ERR_TOKENIZER: "invalid_value",
  ERR_UNSUPPORTED: "unsupported_value",
  ERR_KV_CACHE_FULL: "context_length_exceeded",
};

/**
 * What a client may know of an error. Of those that are not its own it learns nothing but that there was one.
 * @param input the field that holds the prompt
 */
export function toApiError(error: unknown, input?: string): ApiError {
  if (error instanceof ApiError) return error;
  if (!TrtllmError.isInstance(error)) return internal(error);
  const { code, message } = error;
  if (code === "ERR_PROMPT_TOO_LONG") return contextExceeded(error as PromptTooLongError, input);
  if (code in badRequests) return new ApiError(400, message, { code: badRequests[code], cause: error });
  if (code === "ERR_QUEUE_FULL") {
    return tooManyRequests("Too many requests are waiting. Try again in a moment.", error);
  }
  if (code === "ERR_ABORTED") return new ApiError(499, "The client closed the request.", { cause: error });
  if (code === "ERR_DISPOSED" || code === "ERR_EXECUTOR_CRASHED") {
    return unavailable("The model is not available at the moment.", error);
  }
  return internal(error);
}

function internal(cause: unknown): ApiError {
  return new ApiError(500, "The server had an error while processing the request.", { cause });
}

function contextExceeded(error: PromptTooLongError, input: string | undefined): ApiError {
  const { promptTokens, maxTokens, limit } = error;
  const message =
    `This model's maximum context length is ${limit} tokens. However, you requested ${promptTokens + maxTokens} ` +
    `tokens (${promptTokens} in the ${input ?? "prompt"}, ${maxTokens} in the completion). Please reduce the length ` +
    `of the ${input ?? "prompt"} or completion.`;
  return new ApiError(400, message, { param: input, code: "context_length_exceeded", cause: error });
}
