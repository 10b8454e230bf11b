import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { namesProblem } from "../bundle/entry-name.ts";
import { BundleError } from "../errors.ts";
import { type EngineLock, engineLockSchema, lockFileName } from "./engine-lock.ts";

/**
 * @param path what the error names
 * @throws BundleError where it is no lock file, or names files that no engine may have
 */
export function parseLock(text: string, path: string): EngineLock {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new BundleError(`The ${lockFileName} of ${path} is no JSON.`, path, { cause });
  }
  const parsed = engineLockSchema.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join(".");
    throw new BundleError(`The ${lockFileName} of ${path} is not one: ${where}: ${issue?.message}.`, path);
  }
  const problem = namesProblem([...Object.keys(parsed.data.files), lockFileName]);
  if (problem !== undefined) throw new BundleError(`${path}: ${problem}.`, path);
  return parsed.data;
}

/** The lock file of an engine directory; `undefined` where it has none. */
export async function readLock(folder: string): Promise<EngineLock | undefined> {
  const text = await readFile(join(folder, lockFileName), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new BundleError(`${folder} cannot be read: ${error.message}.`, folder, { cause: error });
  });
  return text === undefined ? undefined : parseLock(text, folder);
}
