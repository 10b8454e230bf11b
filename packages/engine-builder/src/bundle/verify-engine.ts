import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AbortedError } from "@trtllm-node/core";
import { BundleError } from "../errors.ts";
import { type EngineLock, lockFileName } from "../lock/engine-lock.ts";
import { readLock } from "../lock/read-lock.ts";
import { digestFile } from "../stages/digest.ts";
import { filesUnder } from "../stages/durable.ts";
import { readBundle } from "./read-bundle.ts";

/**
 * Checks a bundle, or an engine directory, against its lock file: every file is there, with its size and digest, and
 * no other is.
 * @throws BundleError, AbortedError
 */
export async function verifyEngine(
  path: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<EngineLock> {
  const absolute = resolve(path);
  const status = await stat(absolute).catch(() => undefined);
  if (status?.isDirectory()) return verifyDirectory(absolute, signal);
  const nowhere = {
    start: async () => {},
    file: async (_: string, content: AsyncIterable<Buffer>) => {
      for await (const _chunk of content);
    },
  };
  return readBundle(absolute, nowhere, signal);
}

async function verifyDirectory(folder: string, signal: AbortSignal | undefined): Promise<EngineLock> {
  const lock = await readLock(folder);
  if (lock === undefined)
    throw new BundleError(`${folder} has no ${lockFileName}, so nothing says what it should be.`, folder);
  const refuse = (problem: string) => new BundleError(`${folder} is refused: ${problem}.`, folder);
  const present = new Set(await filesUnder(folder));
  const surplus = [...present].find((name) => name !== lockFileName && !Object.hasOwn(lock.files, name));
  if (surplus !== undefined) throw refuse(`${surplus} is not in its ${lockFileName}`);
  for (const [name, expected] of Object.entries(lock.files)) {
    if (!present.has(name)) throw refuse(`it lacks ${name}`);
    const actual = await digest(join(folder, name), signal);
    if (actual.bytes !== expected.bytes)
      throw refuse(`${name} has ${actual.bytes} bytes, not ${expected.bytes}`);
    if (actual.sha256 !== expected.sha256) throw refuse(`${name} is not what its ${lockFileName} says`);
  }
  return lock;
}

async function digest(path: string, signal: AbortSignal | undefined) {
  try {
    return await digestFile(path, signal);
  } catch (error) {
    if (signal?.aborted) throw new AbortedError(`Checking ${path} was ended.`, { cause: signal.reason });
    throw error;
  }
}
