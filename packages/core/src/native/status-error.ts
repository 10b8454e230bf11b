import {
  AbortedError,
  AdapterError,
  DisposedError,
  EngineError,
  ExecutorError,
  InvalidRequestError,
  KvCacheFullError,
  QueueFullError,
  type TrtllmError,
  UnsupportedError,
} from "../errors.ts";
import { errorBytes, status } from "./declarations.ts";

/** Receives `trtllm_error`. One is enough for calls that are synchronous: the message is read at once. */
export const errorBuffer = Buffer.alloc(errorBytes);

export function errorMessage(buffer = errorBuffer): string {
  return buffer.toString("utf8", 4, buffer.indexOf(0, 4));
}

/** The error class of a status that means the same wherever it comes from. */
export function statusError(code: number, message: string, enginePath: string): TrtllmError {
  switch (code) {
    case status.invalidHandle:
    case status.stopped:
      return disposedError();
    case status.engineNotFound:
      return new EngineError("ERR_ENGINE_NOT_FOUND", message, enginePath);
    case status.engineCorrupt:
      return new EngineError("ERR_ENGINE_CORRUPT", message, enginePath);
    case status.engineIncompatible:
      return new EngineError("ERR_ENGINE_INCOMPATIBLE", message, enginePath);
    case status.invalidArgument:
    case status.promptTooLong: // a limit that only the executor knows: EngineInfo's was checked before
      return new InvalidRequestError(message);
    case status.kvCacheFull:
      return new KvCacheFullError(message);
    case status.queueFull:
      return new QueueFullError(message);
    case status.unsupported:
      return new UnsupportedError(message);
    case status.aborted:
      return new AbortedError(message);
    case status.outOfMemory:
      return new ExecutorError("ERR_OUT_OF_MEMORY", message);
    default:
      return new ExecutorError("ERR_EXECUTOR", message);
  }
}

/** Of a LORA record. */
export function adapterError(code: number, message: string, adapterPath: string): TrtllmError {
  switch (code) {
    case status.engineNotFound:
      return new AdapterError("ERR_ADAPTER_NOT_FOUND", message, adapterPath);
    case status.engineCorrupt:
      return new AdapterError("ERR_ADAPTER_CORRUPT", message, adapterPath);
    case status.engineIncompatible:
      return new AdapterError("ERR_ADAPTER_INCOMPATIBLE", message, adapterPath);
    default:
      return statusError(code, message, adapterPath);
  }
}

export function disposedError(): DisposedError {
  return new DisposedError("The executor has been disposed. Create another with Executor.create.");
}
