import { TrtllmError } from "@trtllm-node/core";

/** The model at `path` is missing, damaged, or of a kind that is not read here; `code` says which. */
export class ModelError extends TrtllmError {
  declare readonly code: "ERR_MODEL_NOT_FOUND" | "ERR_MODEL_CORRUPT" | "ERR_MODEL_UNSUPPORTED";
  readonly path: string;

  constructor(code: ModelError["code"], message: string, path: string, options?: ErrorOptions) {
    super(code, message, options);
    this.path = path;
  }
  override get name() {
    return "ModelError";
  }
}

/** A model could not be fetched from the hub, or came otherwise than the hub says. */
export class DownloadError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_DOWNLOAD_FAILED", message, options);
  }
  override get name() {
    return "DownloadError";
  }
}

/** A bundle or an engine directory is not what its lock file says, or is made to do harm. */
export class BundleError extends TrtllmError {
  readonly path: string;

  constructor(message: string, path: string, options?: ErrorOptions) {
    super("ERR_BUNDLE_INVALID", message, options);
    this.path = path;
  }
  override get name() {
    return "BundleError";
  }
}

/** Another build runs into the same output. */
export class BuildLockedError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_BUILD_LOCKED", message, options);
  }
  override get name() {
    return "BuildLockedError";
  }
}

/** A build came to no engine for a reason that is not a tool's: no space, or an output that lacks a file. */
export class BuildError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_BUILD_FAILED", message, options);
  }
  override get name() {
    return "BuildError";
  }
}

interface ToolOutcome {
  readonly command: string;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  /** Why it could not be started, such as ENOENT. */
  readonly startError?: string | undefined;
  /** What to do where it is not there. */
  readonly remedy?: string | undefined;
  readonly lastLines: readonly string[];
}

const containerRemedy = "It belongs to TensorRT-LLM: run this in its container, or say where it is (tools).";

/** A tool of the build failed, was killed, or is not there; `code` says which. */
export class ToolError extends TrtllmError {
  declare readonly code: "ERR_TOOL_NOT_FOUND" | "ERR_BUILD_FAILED";
  /** `undefined` where a signal ended it. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** The end of its output. */
  readonly lastLines: readonly string[];

  constructor(outcome: ToolOutcome) {
    const { command, exitCode, signal, startError, lastLines, remedy = containerRemedy } = outcome;
    const missing = startError === "ENOENT";
    super(
      missing ? "ERR_TOOL_NOT_FOUND" : "ERR_BUILD_FAILED",
      missing
        ? `${command} is not there. ${remedy}`
        : `${command} ${ending(exitCode, signal, startError)}. ${explain(signal, lastLines)}`,
    );
    this.exitCode = exitCode;
    this.signal = signal;
    this.lastLines = lastLines;
  }
  override get name() {
    return "ToolError";
  }
}

function ending(exitCode?: number, signal?: string, startError?: string): string {
  if (startError !== undefined) return `could not be started (${startError})`;
  return signal === undefined ? `failed with exit code ${exitCode}` : `was ended by ${signal}`;
}

/** The tools bury the reason in their output; what they say last of an error is usually it. */
function explain(signal: string | undefined, lines: readonly string[]): string {
  if (signal === "SIGKILL") {
    return "Nobody here did that: the host ran out of memory, most likely. Build with fewer workers or more memory.";
  }
  const pattern = /terminate called|^\w*(?:Error|Exception|error)\b.*:|what\(\):|\[[EF]\] |No space left/;
  const reason = lines.findLast((line) => pattern.test(line)) ?? lines.findLast((line) => line.trim() !== "");
  return reason === undefined ? "It said nothing." : `It said: ${reason.trim()}`;
}
