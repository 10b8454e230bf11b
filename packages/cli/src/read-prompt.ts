import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { ConfigError } from "@trtllm-node/core";

/** The prompt from the argument, else the file, else stdin; of the latter two without a last line break. */
export async function readPrompt(argument: string | undefined, file: string | undefined): Promise<string> {
  if (argument !== undefined && file !== undefined) {
    throw new ConfigError("Two prompts were given, as an argument and as --prompt-file: leave one out");
  }
  if (argument !== undefined) return argument;
  if (file !== undefined) return (await readPromptFile(file)).replace(/\r?\n$/, "");
  if (process.stdin.isTTY) {
    throw new ConfigError("No prompt was given: pass it as an argument, with --prompt-file, or on stdin");
  }
  return (await text(process.stdin)).replace(/\r?\n$/, "");
}

async function readPromptFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new ConfigError(
      `--prompt-file ${path} could not be read: ${(cause as Error).message}. Give a readable text file`,
      { cause },
    );
  }
}
