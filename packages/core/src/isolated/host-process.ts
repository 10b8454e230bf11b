import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Socket } from "node:net";
import type { RecordReader } from "../native/records.ts";
import { QueryChannel, type Reply } from "./query-channel.ts";
import { RecordStream } from "./record-stream.ts";

const stderrTailBytes = 4096;

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

  private constructor(hostPath: string, libraryPath: string, queries: QueryChannel, listener: HostListener) {
    this.#queries = queries;
    this.#child = spawn(hostPath, [libraryPath], {
      stdio: ["ignore", "ignore", "pipe", "pipe", queries.hostFd],
      detached: true,
    });
    closeSync(queries.hostFd);
    this.#socket = this.#child.stdio[3] as Socket;
    this.#stderr = this.#child.stderr as Socket;
    if (live.size === 0) process.on("exit", killAll);
    live.add(this);

    const records = new RecordStream();
    this.#socket.on("data", (chunk: Buffer) => {
      try {
        records.push(chunk, (reader, bytes) => listener.records(reader, bytes));
      } catch (error) {
        this.kill(error);
      }
    });
    this.#socket.on("error", () => {}); // its end is told by the process's
    let stderr = "";
    this.#stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-stderrTailBytes);
    });
    this.#child.on("exit", () => this.kill(this.#cause)); // what it may have started
    const ended = (exitCode: number | null, signal: NodeJS.Signals | null) => {
      if (!live.delete(this)) return;
      if (live.size === 0) process.off("exit", killAll);
      queries.close();
      listener.exited({ exitCode, signal, cause: this.#cause, stderr });
    };
    this.#child.on("close", ended);
    this.#child.on("error", (error) => {
      this.#cause ??= error;
      if (this.#child.pid === undefined) ended(null, null);
    });
    this.#stderr.unref();
  }

  static async start(hostPath: string, libraryPath: string, listener: HostListener): Promise<HostProcess> {
    return new HostProcess(hostPath, libraryPath, await QueryChannel.open(), listener);
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
