import { APICallError } from "@ai-sdk/provider";
import { TrtllmError, type TrtllmErrorCode } from "@trtllm-node/core";

/** What may succeed when it is tried again, with the HTTP status that says the same. */
const retryable: Partial<Record<TrtllmErrorCode, number>> = {
  ERR_QUEUE_FULL: 429,
  ERR_EXECUTOR_CRASHED: 503,
};

/** The AI SDK tries again only what is an APICallError; our own error is its cause. */
export function toSdkError(error: unknown, modelId: string): unknown {
  if (!TrtllmError.isInstance(error)) return error;
  const statusCode = retryable[error.code];
  if (statusCode === undefined) return error;
  return new APICallError({
    message: error.message,
    url: `trtllm:${modelId}`,
    requestBodyValues: {},
    statusCode,
    isRetryable: true,
    cause: error,
  });
}
