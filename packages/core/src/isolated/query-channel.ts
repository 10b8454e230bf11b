import { closeSync, readSync, writeSync } from "node:fs";
import { ExecutorError } from "../errors.ts";
import { query, replyBytes } from "./protocol.ts";
import { openSocketPair } from "./socket-pair.ts";

/** How long the host may take to answer. Its thread for queries does nothing else. */
const timeoutSeconds = 5;

const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;

export interface Reply {
  readonly status: number;
  readonly payload: Buffer;
}

/**
 * Asks the host and waits for the answer, as a call into a library does: for what `ExecutorLike` answers at once,
 * tokenizing above all. A socket pair of its own, whose waits end after a few seconds.
 */
export class QueryChannel {
  readonly #fd: number;
  /** The host's end, to be closed once it has been inherited. */
  readonly hostFd: number;

  private constructor(fd: number, hostFd: number) {
    this.#fd = fd;
    this.hostFd = hostFd;
  }

  /** @throws ExecutorError where no descriptor is left. */
  static async open(): Promise<QueryChannel> {
    const { fd, hostFd } = await openSocketPair();
    const { default: koffi } = await import("koffi");
    const libc = koffi.load(null); // Node itself is linked with it
    const setsockopt = libc.func(
      "int setsockopt(int fd, int level, int name, void * value, uint32_t length)",
    );
    const timeout = BigInt64Array.of(BigInt(timeoutSeconds), 0n);
    for (const name of [SO_RCVTIMEO, SO_SNDTIMEO])
      setsockopt(fd, SOL_SOCKET, name, timeout, timeout.byteLength);
    return new QueryChannel(fd, hostFd);
  }

  /** @throws ExecutorError where the host is gone, or does not answer in time; the channel is of no use afterwards. */
  ask(kind: number, flags: number, payload: Uint8Array): Reply {
    try {
      const bytes = query(kind, flags, payload);
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#fd, bytes, written);
      const header = this.#read(replyBytes);
      return { status: header.readInt32LE(4), payload: this.#read(header.readUInt32LE(0)) };
    } catch (error) {
      const late = (error as NodeJS.ErrnoException).code === "EAGAIN";
      const message = late
        ? `The executor's process did not answer within ${timeoutSeconds} seconds.`
        : "The executor's process is gone.";
      throw new ExecutorError("ERR_EXECUTOR", message, { cause: error });
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #read(length: number): Buffer {
    const buffer = Buffer.alloc(length);
    for (let filled = 0; filled < length; ) {
      const count = readSync(this.#fd, buffer, filled, length - filled, null);
      if (count === 0) throw new Error("The connection has ended.");
      filled += count;
    }
    return buffer;
  }
}
