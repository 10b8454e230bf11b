import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { downloadFile } from "@huggingface/hub";
import { DownloadError } from "../errors.ts";
import { type HubAccess, type HubFile, reason } from "./hub-files.ts";

export interface FetchFile {
  readonly name: string;
  readonly commit: string;
  readonly file: HubFile;
  /** Where it goes; what is there of it under this name and ".part" is continued. */
  readonly path: string;
  readonly signal: AbortSignal | undefined;
  /** Bytes that are there, of this file. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Fetches one file, and goes on where a connection or an earlier run broke off, as long as each try brings something.
 * The file has its name only once its digest is right.
 * @throws DownloadError, or what the disk says
 */
export async function fetchFile(fetched: FetchFile, access: HubAccess): Promise<void> {
  const { name, commit, file, path, signal, onBytes } = fetched;
  if ((await size(path)) === file.bytes) return onBytes(file.bytes);
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.part`;
  let present = (await size(part)) ?? 0;
  while (present < file.bytes || present === 0) {
    const before = present;
    try {
      await append(fetched, part, present, access);
    } catch (cause) {
      signal?.throwIfAborted();
      if (!isNetworkError(cause)) throw cause;
      present = (await size(part)) ?? 0;
      if (present <= before) {
        throw new DownloadError(
          `${file.path} of ${name} broke off: ${reason(cause)}. Run it again: it resumes.`,
          {
            cause,
          },
        );
      }
      continue;
    }
    present = (await size(part)) ?? 0;
    if (present <= before) break;
  }
  onBytes(present);
  if (present !== file.bytes || (await digest(part, file, signal)) !== file.digest.value) {
    // Nothing of it can be trusted, so the next run begins anew.
    await rm(part, { force: true });
    throw new DownloadError(
      `${file.path} of ${name} at ${commit} came with another content than the hub says. Run it again.`,
    );
  }
  await rename(part, path);
}

async function append(
  { name, commit, file, signal, onBytes }: FetchFile,
  part: string,
  from: number,
  access: HubAccess,
): Promise<void> {
  const target = createWriteStream(part, { flags: "a" });
  if (file.bytes === 0) return pipeline(Readable.from([]), target);
  const info = { repo: name, revision: commit, path: file.path, ...access };
  const blob = await downloadFile(info);
  if (blob === null) throw new DownloadError(`The hub has no ${file.path} of ${name} at ${commit}.`);
  const rest = from === 0 ? blob : blob.slice(from, file.bytes);
  let present = from;
  const counted = new Transform({
    transform(chunk: Buffer, _, done) {
      present += chunk.length;
      onBytes(present);
      // More than the hub said would fill the disk for nothing.
      done(
        present > file.bytes
          ? new DownloadError(`${file.path} of ${name} is longer than the hub says.`)
          : null,
        chunk,
      );
    },
  });
  await pipeline(Readable.fromWeb(rest.stream() as never), counted, target, { signal });
}

async function digest(path: string, file: HubFile, signal: AbortSignal | undefined): Promise<string> {
  const { algorithm } = file.digest;
  const hash = createHash(algorithm === "git" ? "sha1" : "sha256");
  if (algorithm === "git") hash.update(`blob ${file.bytes}\0`);
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  return hash.digest("hex");
}

/** A connection that broke, and not the disk, which tells a system call. */
function isNetworkError(error: unknown): boolean {
  const { syscall } = error as NodeJS.ErrnoException;
  return (
    !(error instanceof DownloadError) &&
    (syscall === undefined || syscall === "read" || syscall === "connect")
  );
}

async function size(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}
