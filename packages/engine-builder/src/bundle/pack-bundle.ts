import { createWriteStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { AbortedError } from "@trtllm-node/core";
import { create } from "tar";
import { BuildError } from "../errors.ts";
import { type EngineLock, lockFileName } from "../lock/engine-lock.ts";
import { readLock } from "../lock/read-lock.ts";
import { hasZstd, noZstd } from "./decompress.ts";
import { lockEngine } from "./lock-engine.ts";
import { verifyEngine } from "./verify-engine.ts";

export interface PackOptions {
  /** Weights hardly shrink: "none" is the fastest by far. "zstd" needs Node 22.15 or newer. Default: "gzip". */
  readonly compression?: "gzip" | "zstd" | "none" | undefined;
  /** Aborting it ends the packing and removes what was written. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Packs an engine directory into one file, which appears only when it is whole. The same engine gives the same bytes.
 * A directory with a GGUF and without `engine.lock.json` gets one first.
 * @throws BundleError where a file is not what the lock file says; UnsupportedError without zstd; AbortedError
 */
export async function packBundle(
  engine: string,
  bundle: string,
  { compression = "gzip", signal }: PackOptions = {},
): Promise<EngineLock> {
  if (compression === "zstd" && !hasZstd()) throw noZstd();
  const folder = resolve(engine);
  const target = resolve(bundle);
  if ((await readLock(folder)) === undefined) await lockEngine(folder, signal);
  const lock = await verifyEngine(folder, { ...(signal && { signal }) });
  const partial = `${target}.partial`;
  try {
    const names = [lockFileName, ...Object.keys(lock.files).sort()];
    const compressed = { gzip: compression === "gzip", ...(compression === "zstd" && { zstd: true }) };
    const pack = create(
      { cwd: folder, portable: true, noMtime: true, noPax: false, strict: true, ...compressed },
      names,
    );
    await pipeline(pack as AsyncIterable<Buffer>, createWriteStream(partial), { signal });
    await publishFile(partial, target);
    return lock;
  } catch (error) {
    await rm(partial, { force: true });
    if (signal?.aborted) throw new AbortedError(`Packing ${folder} was ended.`, { cause: signal.reason });
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    throw new BuildError(`No space is left on the disk of ${target}.`, { cause: error });
  }
}

async function publishFile(from: string, to: string): Promise<void> {
  {
    await using file = await open(from, "r");
    await file.sync();
  }
  await rename(from, to);
  await using folder = await open(dirname(to), "r");
  await folder.sync();
}
