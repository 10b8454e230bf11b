import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { filesUnder } from "./durable.ts";

export interface FileDigest {
  readonly bytes: number;
  /** SHA-256 in hexadecimal digits. */
  readonly sha256: string;
}

export async function digestFile(path: string, signal?: AbortSignal): Promise<FileDigest> {
  const hash = createHash("sha256");
  const stream = createReadStream(path, { highWaterMark: 1 << 20 });
  await pipeline(stream, hash, { signal });
  return { bytes: stream.bytesRead, sha256: hash.digest("hex") };
}

/** Digests of the files of a folder by their paths in it. */
export async function digestFolder(
  folder: string,
  files: readonly string[],
  onFile: (file: string, index: number) => void,
  signal?: AbortSignal,
): Promise<Record<string, FileDigest>> {
  const digests: Record<string, FileDigest> = {};
  for (const [index, file] of files.entries()) {
    onFile(file, index);
    digests[file] = await digestFile(join(folder, file), signal);
  }
  return digests;
}

/** One digest of a file or of everything in a folder; `undefined` where there is nothing at the path. */
export async function digestPath(path: string, signal?: AbortSignal): Promise<string | undefined> {
  const status = await stat(path).catch(() => undefined);
  if (status === undefined) return undefined;
  if (status.isFile()) return (await digestFile(path, signal)).sha256;
  return digestOf(await digestFolder(path, await filesUnder(path), () => {}, signal));
}

/** SHA-256 of a value as JSON. Keys count in the order in which they were set. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
