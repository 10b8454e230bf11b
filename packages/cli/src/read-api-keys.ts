import { readFile } from "node:fs/promises";
import { ConfigError } from "@trtllm-node/core";

/**
 * One key a line; empty lines and those that begin with "#" are skipped.
 * @throws ConfigError: the file cannot be read, or holds no key
 */
export async function readApiKeys(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new ConfigError(`The API keys cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const keys = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (keys.length === 0) throw new ConfigError(`${path} holds no API key. Write one on each line.`);
  return keys;
}
