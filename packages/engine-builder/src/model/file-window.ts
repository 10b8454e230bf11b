import { type FileHandle, open } from "node:fs/promises";
import { ModelError } from "../errors.ts";

const windowBytes = 1 << 20;

/** Reads the beginning of a file forward through a window of a megabyte. Little-endian. */
export class FileWindow implements AsyncDisposable {
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly #file: FileHandle;
  #window: Buffer = Buffer.alloc(0);
  /** Offset in the file of the window's first byte. */
  #start = 0;
  /** Offset in the window of the next byte. */
  #next = 0;

  private constructor(path: string, size: number, file: FileHandle) {
    this.path = path;
    this.size = size;
    this.#file = file;
  }

  /** @throws ModelError where there is no such file */
  static async open(path: string): Promise<FileWindow> {
    let file: FileHandle | undefined;
    try {
      file = await open(path);
      const status = await file.stat();
      if (!status.isFile()) throw new Error("it is not a file");
      return new FileWindow(path, status.size, file);
    } catch (cause) {
      await file?.close();
      throw new ModelError("ERR_MODEL_NOT_FOUND", `${path} cannot be read: ${reason(cause)}.`, path, {
        cause,
      });
    }
  }

  /** Offset in the file of the next byte to read. */
  get position(): number {
    return this.#start + this.#next;
  }

  async take(bytes: number): Promise<Buffer> {
    if (this.#window.length - this.#next < bytes) await this.#fill(bytes);
    const taken = this.#window.subarray(this.#next, this.#next + bytes);
    this.#next += bytes;
    return taken;
  }

  /** Moves on without reading. */
  skip(bytes: number): void {
    this.#require(bytes);
    this.#next += bytes;
  }

  async u32(): Promise<number> {
    return (await this.take(4)).readUInt32LE();
  }

  /** @throws ModelError above 2^53 - 1: no length or count of a real file is so large */
  async u64(): Promise<number> {
    const value = (await this.take(8)).readBigUInt64LE();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.corrupt(`it claims a size of ${value}`);
    return Number(value);
  }

  corrupt(problem: string): ModelError {
    return new ModelError(
      "ERR_MODEL_CORRUPT",
      `${this.path} is damaged: ${problem}, at byte ${this.position} of ${this.size}. Fetch it again.`,
      this.path,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #fill(bytes: number): Promise<void> {
    this.#require(bytes);
    const start = this.position;
    const window = Buffer.alloc(Math.min(Math.max(bytes, windowBytes), this.size - start));
    let filled = 0;
    while (filled < window.length) {
      const { bytesRead } = await this.#file.read(window, filled, window.length - filled, start + filled);
      if (bytesRead === 0) throw this.corrupt("it got shorter while it was read");
      filled += bytesRead;
    }
    this.#window = window;
    this.#start = start;
    this.#next = 0;
  }

  #require(bytes: number): void {
    if (bytes <= this.size - this.position) return;
    throw this.corrupt(`it ends where ${bytes} more bytes should follow`);
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
