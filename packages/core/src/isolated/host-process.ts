import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import type { RecordReader } from "../native/records.ts";
import { QueryChannel, type Reply } from "./query-channel.ts";
import { RecordStream } from "./record-stream.ts";
import { openSocketPair, type SocketPair } from "./socket-pair.ts";

const stderrTailBytes = 4096;
/** A turn's worth: some 8,000 tokens, or 2 ms. */
const readBytes = 32 * 1024;

export interface HostExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why there was no process at all, or why it was ended by us. */
  readonly cause: unknown;
  /** The end of what it wrote to stderr. */
  readonly stderr: string;
}

export interface HostListener {
  records(reader: RecordReader, bytes: number): void;
  /** Called once, after the last records. */
  exited(exit: HostExit): void;
}

const live = new Set<HostProcess>();

function killAll(): void {
  for (const host of live) host.kill(undefined);
}

/** One running trtllm-host. Leads a process group of its own, which ends as a whole. */
export class HostProcess {
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #stderr: Socket;
  readonly #queries: QueryChannel;
  #cause: unknown;
  #childClosed = false;

  private constructor(
    hostPath: string,
    hostArguments: readonly string[],
    commands: SocketPair,
    queries: QueryChannel,
    listener: HostListener,
  ) {
    this.#queries = queries;
    this.#child = spawn(hostPath, hostArguments, {
      stdio: ["ignore", "ignore", "pipe", commands.hostFd, queries.hostFd],
      detached: true,
    });
    closeSync(commands.hostFd);
    closeSync(queries.hostFd);
    this.#socket = this.#openSocket(commands.fd, listener);
    this.#stderr = this.#child.stderr as Socket;
    if (live.size === 0) process.on("exit", killAll);
    live.add(this);

    let stderr = "";
    this.#stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-stderrTailBytes);
    });
    this.#child.on("exit", () => this.kill(this.#cause)); // what it may have started
    const ended = () => {
      if (!live.delete(this)) return;
      if (live.size === 0) process.off("exit", killAll);
      queries.close();
      const { exitCode, signalCode: signal } = this.#child;
      listener.exited({ exitCode, signal, cause: this.#cause, stderr });
    };
    const last = () => {
      if (this.#socket.closed && this.#childClosed) ended();
    };
    this.#socket.on("close", last);
    this.#child.on("close", () => {
      this.#childClosed = true;
      last();
    });
    this.#child.on("error", (error) => {
      this.#cause ??= error;
      if (this.#child.pid === undefined) ended();
    });
    this.#stderr.unref();
  }

  static async start(
    hostPath: string,
    hostArguments: readonly string[],
    listener: HostListener,
  ): Promise<HostProcess> {
    const commands = await openSocketPair();
    return new HostProcess(hostPath, hostArguments, commands, await QueryChannel.open(), listener);
  }

  /**
   * Reads once a turn: as long as more comes, libuv would go on within one, and nothing else of the event loop have its
   * turn.
   */
  #openSocket(fd: number, listener: HostListener): Socket {
    const records = new RecordStream();
    const onread: OnReadOpts = {
      buffer: Buffer.alloc(readBytes),
      callback: (bytes, buffer) => {
        try {
          records.push(buffer.subarray(0, bytes), (reader, length) => listener.records(reader, length));
        } catch (error) {
          this.kill(error);
        }
        setImmediate(() => this.#socket.resume());
        return false;
      },
    };
    // Node documents onread for this constructor; its types leave it out.
    const options: SocketConstructorOpts & { onread: OnReadOpts } = {
      fd,
      readable: true,
      writable: true,
      onread,
    };
    const socket = new Socket(options);
    socket.on("error", () => {}); // its end is told by the process's
    return socket;
  }

  send(command: Buffer): void {
    if (this.#socket.writable) this.#socket.write(command);
  }

  /** @throws ExecutorError where it does not answer, which also ends it. */
  ask(kind: number, flags: number, payload: Uint8Array): Reply {
    try {
      return this.#queries.ask(kind, flags, payload);
    } catch (error) {
      this.kill(error);
      throw error;
    }
  }

  /** Says that nothing more will come; it then ends by itself. */
  end(): void {
    this.#socket.end();
  }

  /** Ends the whole group at once. */
  kill(cause: unknown): void {
    this.#cause ??= cause;
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // nobody is left in it
    }
  }

  /** With the child, since its socket may end before it does. */
  ref(): void {
    this.#child.ref();
    this.#socket.ref();
  }

  unref(): void {
    this.#child.unref();
    this.#socket.unref();
  }
}
