import { mkdir, mkdtemp, open, readdir, rm, rmdir, statfs, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { AbortedError, ConfigError } from "@trtllm-node/core";
import { BuildError } from "../errors.ts";
import { type EngineLock, lockFileName } from "../lock/engine-lock.ts";
import { publishFolder } from "../stages/durable.ts";
import { readBundle } from "./read-bundle.ts";

export interface UnpackOptions {
  /** Aborting it ends the unpacking and removes what was written. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the part of the bytes that is written, 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

/**
 * Unpacks a bundle into a new engine directory, which appears only when all of it was checked.
 * @param target must not be there, or be an empty directory
 * @throws BundleError where anything in the bundle is not what its lock file says; nothing is left of it then
 * @throws ConfigError where the target is taken; BuildError where it does not fit on the disk; AbortedError
 */
export async function unpackBundle(
  bundle: string,
  target: string,
  { signal, onProgress }: UnpackOptions = {},
): Promise<EngineLock> {
  const folder = resolve(target);
  const taken = await readdir(folder).catch((error: NodeJS.ErrnoException) =>
    error.code === "ENOENT" ? undefined : [folder],
  );
  if (taken !== undefined && taken.length > 0)
    throw new ConfigError(`${folder} is there already. Give another.`);
  await mkdir(dirname(folder), { recursive: true });
  const partial = await mkdtemp(join(dirname(folder), `.${basename(folder)}.partial-`));
  try {
    const writer = new BundleWriter(partial, onProgress);
    const lock = await readBundle(resolve(bundle), writer, signal);
    if (signal?.aborted) throw new AbortedError(`Unpacking ${bundle} was ended.`, { cause: signal.reason });
    await writeFile(join(partial, lockFileName), `${JSON.stringify(lock, undefined, 2)}\n`, { flag: "wx" });
    if (taken !== undefined) await rmdir(folder);
    await publishFolder(partial, folder);
    return lock;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    throw new BuildError(`No space is left on the disk of ${folder}.`, { cause: error });
  }
}

/** Writes the files below a folder that only this process knows. */
class BundleWriter {
  readonly #folder: string;
  readonly #onProgress: ((fraction: number) => void) | undefined;
  #total = 0;
  #written = 0;

  constructor(folder: string, onProgress: ((fraction: number) => void) | undefined) {
    this.#folder = folder;
    this.#onProgress = onProgress;
  }

  async start({ files }: EngineLock): Promise<void> {
    this.#total = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
    const { bavail, bsize } = await statfs(this.#folder);
    const free = bavail * bsize;
    if (this.#total <= free) return;
    throw new BuildError(
      `The engine takes ${this.#total} bytes, and ${free} are free at ${dirname(this.#folder)}.`,
    );
  }

  async file(name: string, content: AsyncIterable<Buffer>): Promise<void> {
    const path = join(this.#folder, name);
    await mkdir(dirname(path), { recursive: true });
    await using file = await open(path, "wx");
    for await (const chunk of content) {
      await file.writeFile(chunk);
      this.#written += chunk.length;
      this.#onProgress?.(this.#written / this.#total);
    }
  }
}
