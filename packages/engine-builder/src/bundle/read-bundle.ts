import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import type { Duplex, Readable } from "node:stream";
import { AbortedError, TrtllmError } from "@trtllm-node/core";
import { Parser, type ReadEntry } from "tar";
import { BundleError } from "../errors.ts";
import { type EngineLock, lockFileName } from "../lock/engine-lock.ts";
import { parseLock } from "../lock/read-lock.ts";
import { boundedStream, decompressorOf } from "./decompress.ts";

const maxLockBytes = 16 << 20;
/** Of headers that only prolong names; ours are far below. */
const maxMetaEntryBytes = 64 << 10;
/** Headers and padding of an entry, and the end of the archive with the blanks that some tools add. */
const overhead = { entryBytes: 4096, endBytes: 64 << 10 };

/** Where the content of a bundle goes. */
export interface BundleSink {
  /** Called once, before anything else. */
  start(lock: EngineLock): Promise<void>;
  /** Takes a file of the lock; what it is given was not yet checked against the digest. */
  file(name: string, content: AsyncIterable<Buffer>): Promise<void>;
}

/**
 * Reads a bundle from beginning to end: first `engine.lock.json`, then exactly the files that it names, each once and
 * with the size and digest that it says. Nothing else is taken, whatever it is.
 * @throws BundleError at the first thing that is wrong; the sink may have got files before
 */
export async function readBundle(path: string, sink: BundleSink, signal?: AbortSignal): Promise<EngineLock> {
  const reading = new Reading(path, sink);
  const parser = new Parser({ strict: true, maxMetaEntrySize: maxMetaEntryBytes });
  const decompressed = await decompressor(path);
  const source = createReadStream(path, { signal });
  const plain = boundedStream(() => reading.maxBytes);
  const stages: (Readable | Duplex)[] = [source, decompressed, plain];
  const failed = new Promise<never>((_, reject) => {
    for (const stream of stages) stream.on("error", reject);
    parser.on("error", reject);
    parser.on("ignoredEntry", (entry: ReadEntry) =>
      reject(reading.refuse(`${entry.path} is a ${entry.type}`)),
    );
    parser.on("entry", (entry: ReadEntry) => reading.take(entry).catch(reject));
  });
  try {
    const ended = once(parser, "end");
    source
      .pipe(decompressed)
      .pipe(plain)
      .pipe(parser as unknown as NodeJS.WritableStream);
    await Promise.race([ended, failed]);
    await Promise.race([reading.done(), failed]);
    return reading.complete();
  } catch (error) {
    if (signal?.aborted) throw new AbortedError(`Reading ${path} was ended.`, { cause: signal.reason });
    if (TrtllmError.isInstance(error) || (error as NodeJS.ErrnoException).code === "ENOSPC") throw error;
    throw new BundleError(`${path} is damaged or no bundle: ${(error as Error).message}.`, path, {
      cause: error,
    });
  } finally {
    for (const stream of stages) stream.destroy();
    parser.removeAllListeners("error").on("error", () => {});
  }
}

/** The entries of one bundle, taken one after the other. */
class Reading {
  readonly #path: string;
  readonly #sink: BundleSink;
  readonly #seen = new Set<string>();
  #lock: EngineLock | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string, sink: BundleSink) {
    this.#path = path;
    this.#sink = sink;
  }

  /** Most bytes that a sound bundle has, as far as is known by now. */
  get maxBytes(): number {
    const sizes = Object.values(this.#lock?.files ?? {}).map(({ bytes }) => bytes);
    const content = sizes.reduce((sum, bytes) => sum + bytes + overhead.entryBytes, 0);
    return content + maxLockBytes + overhead.endBytes;
  }

  take(entry: ReadEntry): Promise<void> {
    this.#last = this.#last.then(() => this.#entry(entry));
    return this.#last;
  }

  done(): Promise<void> {
    return this.#last;
  }

  /** @throws BundleError where a file of the lock did not come */
  complete(): EngineLock {
    if (this.#lock === undefined) throw this.refuse(`it has no ${lockFileName}`);
    const missing = Object.keys(this.#lock.files).find((name) => !this.#seen.has(name));
    if (missing !== undefined) throw this.refuse(`it lacks ${missing}`);
    return this.#lock;
  }

  refuse(problem: string): BundleError {
    return new BundleError(`${this.#path} is refused: ${problem}.`, this.#path);
  }

  async #entry(entry: ReadEntry): Promise<void> {
    const { path: name, type, size } = entry;
    if (type !== "File" && type !== "OldFile")
      throw this.refuse(`${JSON.stringify(name)} is a ${type} and not a file`);
    if (this.#lock === undefined) return this.#readLock(entry);
    const expected = Object.hasOwn(this.#lock.files, name) ? this.#lock.files[name] : undefined;
    if (expected === undefined) throw this.refuse(`${JSON.stringify(name)} is not in its ${lockFileName}`);
    if (this.#seen.has(name)) throw this.refuse(`it holds ${name} twice`);
    this.#seen.add(name);
    if (size !== expected.bytes) throw this.refuse(`${name} has ${size} bytes, not ${expected.bytes}`);
    const hash = createHash("sha256");
    await this.#sink.file(name, hashed(entry, hash));
    if (hash.digest("hex") !== expected.sha256)
      throw this.refuse(`${name} is not what its ${lockFileName} says`);
  }

  async #readLock(entry: ReadEntry): Promise<void> {
    if (entry.path !== lockFileName)
      throw this.refuse(`it begins with ${JSON.stringify(entry.path)}, not ${lockFileName}`);
    if (entry.size > maxLockBytes) throw this.refuse(`its ${lockFileName} has ${entry.size} bytes`);
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    this.#lock = parseLock(Buffer.concat(chunks).toString("utf8"), this.#path);
    await this.#sink.start(this.#lock);
  }
}

async function* hashed(entry: ReadEntry, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for await (const chunk of entry as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
}

async function decompressor(path: string): Promise<Duplex> {
  try {
    return await decompressorOf(path);
  } catch (cause) {
    if (TrtllmError.isInstance(cause)) throw cause;
    throw new BundleError(`${path} cannot be read: ${(cause as Error).message}.`, path, { cause });
  }
}
