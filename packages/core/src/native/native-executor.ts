import { closeSync } from "node:fs";
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";

import { type Deferred, deferred } from "../deferred.ts";
import { ConfigError, ExecutorError, type TrtllmError } from "../errors.ts";
import { ExecutorBackend, type LatestKind, type LoadOptions } from "../executor-backend.ts";
import { errorBytes, type NativeFunctions, status } from "./declarations.ts";
import { inPool } from "./pool-calls.ts";
import { RecordReader } from "./records.ts";
import { disposedError, errorBuffer, errorMessage } from "./status-error.ts";

const drainBytes = 256 * 1024;
const out = new BigUint64Array(1);
const live = new Set<NativeExecutor>();

/** Native threads must have ended before the process runs static destructors. */
function destroyAll(): void {
  for (const executor of live) executor.destroy();
}

/** Owns one native handle and its wake-up pipe. */
export class NativeExecutor extends ExecutorBackend {
  readonly #functions: NativeFunctions;
  readonly #handle: number;
  readonly #wake: Socket;
  readonly #stopped: Deferred<void> = deferred();
  #closing: Promise<void> | undefined;
  #reader = new RecordReader(drainBytes);

  /** Starts the load and returns at once. */
  constructor(functions: NativeFunctions, options: LoadOptions) {
    super(options);
    const wakeFd = new Int32Array(1);
    const code = functions.create(options.configJson, out, wakeFd, errorBuffer);
    if (code === status.invalidArgument) throw new ConfigError(errorMessage());
    if (code !== status.ok) throw this.statusError(code, errorMessage());
    this.#functions = functions;
    this.#handle = Number(out[0]);
    if (live.size === 0) process.on("exit", destroyAll);
    live.add(this);
    try {
      this.#wake = openPipe(wakeFd[0]!, this.#pump);
    } catch (error) {
      this.destroy();
      closeSync(wakeFd[0]!);
      throw error;
    }
  }

  submit(requestJson: string, tokens: Int32Array): number {
    this.assertOpen();
    this.#check(this.#functions.submit(this.#handle, requestJson, tokens, tokens.length, out, errorBuffer));
    return Number(out[0]);
  }

  /** A request that has ended, and one of a destroyed executor, needs no cancel: the status says nothing. */
  cancel(id: number): void {
    this.#functions.cancel(this.#handle, id, errorBuffer);
  }

  protected override beginLora(taskId: number, path: string): void {
    this.#check(this.#functions.loadLora(this.#handle, taskId, path, errorBuffer));
  }

  /** Of a destroyed executor there is nothing to unload: the status says nothing. */
  unloadLora(taskId: number): void {
    this.#functions.unloadLora(this.#handle, taskId, errorBuffer);
  }

  latest(what: LatestKind): string {
    return this.#fill(Buffer.allocUnsafe, 64 * 1024, (buffer) =>
      this.#functions[what](this.#handle, buffer, buffer.length, out, errorBuffer),
    ).toString();
  }

  tokenize(text: Buffer, flags: number): Int32Array {
    const mostTokens = text.length + 2; // one per byte, BOS and EOS
    return this.#fill(
      (length) => new Int32Array(length),
      mostTokens,
      (buffer) =>
        this.#functions.tokenize(
          this.#handle,
          text,
          text.length,
          flags,
          buffer,
          buffer.length,
          out,
          errorBuffer,
        ),
    ).slice();
  }

  /** On a thread of libuv's pool. */
  override async tokenizeAsync(text: Buffer, flags: number, capacity = text.length + 2): Promise<Int32Array> {
    this.assertOpen();
    const tokens = new Int32Array(capacity);
    const count = new BigUint64Array(1);
    const error = Buffer.alloc(errorBytes);
    const { tokenize } = this.#functions;
    const call = () =>
      new Promise<number>((resolve, reject) => {
        const done = (failure: Error | null, code: number) => (failure ? reject(failure) : resolve(code));
        tokenize.async(this.#handle, text, text.length, flags, tokens, capacity, count, error, done);
      });
    const code = await inPool(call);
    if (code === status.bufferTooSmall) return this.tokenizeAsync(text, flags, Number(count[0]));
    if (code !== status.ok) throw this.statusError(code, errorMessage(error));
    return tokens.slice(0, Number(count[0]));
  }

  tokenPieces(): Buffer {
    return this.#fill(Buffer.alloc, 1024 * 1024, (buffer) =>
      this.#functions.tokenPieces(this.#handle, buffer, buffer.length, out, errorBuffer),
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Frees the native side at once, waiting for its threads. For the process's end, and the last step of `close`. */
  destroy(): void {
    if (!live.delete(this)) return;
    if (live.size === 0) process.off("exit", destroyAll);
    this.#functions.destroy(this.#handle, errorBuffer);
  }

  assertOpen(): void {
    if (this.#closing !== undefined) throw disposedError();
  }

  async #close(): Promise<void> {
    this.beginClosing();
    this.#functions.shutdown(this.#handle, errorBuffer);
    await this.#stopped.promise;
    this.destroy();
    this.#wake.destroy();
    this.failAll(
      new ExecutorError("ERR_EXECUTOR", "The executor stopped without an answer to this request."),
    );
  }

  /**
   * One drain a turn: the event loop stays free however fast records come. It goes on until nothing is left,
   * which is when the library begins to write to the pipe again.
   */
  readonly #pump = (): void => {
    if (!live.has(this)) return;
    try {
      const { buffer } = this.#reader;
      const code = this.#functions.drain(this.#handle, buffer, buffer.byteLength, out, errorBuffer);
      const bytes = Number(out[0]);
      if (code === status.bufferTooSmall) {
        this.#reader = new RecordReader(2 ** Math.ceil(Math.log2(bytes)));
      } else {
        this.#check(code);
        if (bytes === 0) return;
        this.dispatch(this.#reader, bytes);
      }
      setImmediate(this.#pump);
    } catch (error) {
      this.failAll(error as TrtllmError);
      this.#stopped.resolve();
    }
  };

  protected override onStopped(): void {
    this.#stopped.resolve();
  }

  protected override setAlive(alive: boolean): void {
    if (alive) this.#wake.ref();
    else this.#wake.unref();
  }

  #fill<B extends Buffer | Int32Array>(
    make: (length: number) => B,
    length: number,
    call: (buffer: B) => number,
  ): B {
    this.assertOpen();
    const buffer = make(length);
    const code = call(buffer);
    const filled = Number(out[0]);
    if (code === status.bufferTooSmall) return this.#fill(make, filled, call);
    this.#check(code);
    return buffer.subarray(0, filled) as B;
  }

  #check(code: number): void {
    if (code !== status.ok) throw this.statusError(code, errorMessage());
  }
}

/** Bytes on the pipe only say "there is something": they are read into a scrap buffer. */
function openPipe(fd: number, onWake: () => void): Socket {
  const onread: OnReadOpts = {
    buffer: Buffer.alloc(64),
    callback: () => {
      onWake();
      return true;
    },
  };
  // Node documents onread for this constructor; its types leave it out.
  const options: SocketConstructorOpts & { onread: OnReadOpts } = {
    fd,
    readable: true,
    writable: false,
    onread,
  };
  const pipe = new Socket(options);
  pipe.on("error", onWake);
  return pipe;
}
