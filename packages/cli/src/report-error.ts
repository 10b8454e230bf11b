import { TrtllmError } from "@trtllm-node/core";

const interruptedExitCode = 130;

/** Tells the user on stderr what went wrong and returns the exit code. */
export function reportError(error: unknown): number {
  if (!TrtllmError.isInstance(error)) throw error;
  // Only Ctrl-C aborts anything here, and whoever pressed it knows.
  if (error.code === "ERR_ABORTED") return interruptedExitCode;
  process.stderr.write(`error [${error.code}]: ${error.message}\n`);
  return 1;
}
