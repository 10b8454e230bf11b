import { closeSync } from "node:fs";
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import { type Deferred, deferred, quietDeferred } from "../deferred.ts";
import { AbortedError, ConfigError, ExecutorError, type TrtllmError } from "../errors.ts";
import { type NativeFunctions, status } from "./declarations.ts";
import { type FinalRecord, RecordReader, type RecordVisitor, type TokensRecord } from "./records.ts";
import { disposedError, errorBuffer, errorMessage, statusError } from "./status-error.ts";

/** Where the records of one request go: any number of `push`, each flushed later, then one of `finish` and `fail`. */
export interface RecordSink {
  readonly id: number;
  /** True where it waits for a `flush` from now on. */
  push(record: TokensRecord): boolean;
  flush(): void;
  finish(record: FinalRecord): void;
  fail(error: TrtllmError): void;
}

interface LoadOptions {
  readonly configJson: string;
  readonly enginePath: string;
  readonly onProgress: ((fraction: number) => void) | undefined;
}

const drainBytes = 256 * 1024;
const out = new BigUint64Array(1);
const live = new Set<NativeExecutor>();

/** Native threads must have ended before the process runs static destructors. */
function destroyAll(): void {
  for (const executor of live) executor.destroy();
}

/**
 * Owns one native handle and its wake-up pipe. Knows nothing of the `Executor` in front of it, so that
 * one can be garbage collected while this waits on the pipe.
 */
export class NativeExecutor implements RecordVisitor {
  /** The READY record's JSON. */
  readonly loaded: Promise<string>;
  readonly #functions: NativeFunctions;
  readonly #enginePath: string;
  readonly #handle: number;
  readonly #wake: Socket;
  readonly #sinks = new Map<number, RecordSink>();
  readonly #load: Deferred<string> = quietDeferred();
  readonly #stopped: Deferred<void> = deferred();
  #loading = true;
  #onProgress: LoadOptions["onProgress"];
  #closing: Promise<void> | undefined;
  #reader = new RecordReader(drainBytes);
  #touched: RecordSink[] = [];
  #keepsAlive = true;

  /** Starts the load and returns at once. */
  constructor(functions: NativeFunctions, options: LoadOptions) {
    const wakeFd = new Int32Array(1);
    const code = functions.create(options.configJson, out, wakeFd, errorBuffer);
    if (code === status.invalidArgument) throw new ConfigError(errorMessage());
    if (code !== status.ok) throw statusError(code, errorMessage(), options.enginePath);
    this.#functions = functions;
    this.#enginePath = options.enginePath;
    this.#onProgress = options.onProgress;
    this.#handle = Number(out[0]);
    this.loaded = this.#load.promise;
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

  /** Returns the request's id, whose records go to a sink that is attached before this turn ends. */
  submit(requestJson: string, tokens: Int32Array): number {
    this.assertOpen();
    this.#check(this.#functions.submit(this.#handle, requestJson, tokens, tokens.length, out, errorBuffer));
    return Number(out[0]);
  }

  attach(sink: RecordSink): void {
    this.#sinks.set(sink.id, sink);
    this.#updateRef();
  }

  /** A request that has ended, and one of a destroyed executor, needs no cancel: the status says nothing. */
  cancel(id: number): void {
    this.#functions.cancel(this.#handle, id, errorBuffer);
  }

  iterationStats(): string {
    return this.#fill(Buffer.allocUnsafe, 64 * 1024, (buffer) =>
      this.#functions.iterationStats(this.#handle, buffer, buffer.length, out, errorBuffer),
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

  tokenPieces(): Buffer {
    return this.#fill(Buffer.alloc, 1024 * 1024, (buffer) =>
      this.#functions.tokenPieces(this.#handle, buffer, buffer.length, out, errorBuffer),
    );
  }

  /** Cancels what runs, waits until its last record is delivered, frees everything. Idempotent. */
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
    this.#keepsAlive = true;
    this.#wake.ref();
    this.#functions.shutdown(this.#handle, errorBuffer);
    await this.#stopped.promise;
    this.destroy();
    this.#wake.destroy();
    this.#failAll(
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
        this.#reader.read(bytes, this);
        for (const sink of this.#touched) sink.flush();
        this.#touched.length = 0;
        this.#updateRef();
      }
      setImmediate(this.#pump);
    } catch (error) {
      this.#failAll(error as TrtllmError);
      this.#stopped.resolve();
    }
  };

  tokens(record: TokensRecord): void {
    const sink = this.#sinks.get(record.requestId);
    if (sink?.push(record)) this.#touched.push(sink);
  }

  final(record: FinalRecord): void {
    this.#take(record.requestId)?.finish(record);
  }

  error(requestId: number, code: number, message: string): void {
    this.#take(requestId)?.fail(this.#error(code, message));
  }

  ready(json: string): void {
    this.#load.resolve(json);
    this.#loadEnded();
  }

  loadFailed(code: number, message: string): void {
    this.#failLoad(code === status.invalidArgument ? new ConfigError(message) : this.#error(code, message));
  }

  stopped(): void {
    this.#failLoad(new AbortedError("The load was ended before the engine was ready."));
    this.#stopped.resolve();
  }

  #take(id: number): RecordSink | undefined {
    const sink = this.#sinks.get(id);
    this.#sinks.delete(id);
    return sink;
  }

  /** No effect after the load has ended. */
  #failLoad(error: unknown): void {
    this.#load.reject(error);
    this.#loadEnded();
  }

  #loadEnded(): void {
    this.#loading = false;
    this.#onProgress = undefined; // may hold the Executor, which must stay collectable
  }

  loadProgress(fraction: number): void {
    try {
      this.#onProgress?.(fraction);
    } catch (error) {
      this.#failLoad(error);
    }
  }

  #failAll(error: TrtllmError): void {
    this.#failLoad(error);
    for (const sink of this.#sinks.values()) sink.fail(error);
    this.#sinks.clear();
    this.#updateRef();
  }

  /** An idle executor does not keep the process alive. */
  #updateRef(): void {
    const keepsAlive = this.#loading || this.#sinks.size > 0 || this.#closing !== undefined;
    if (keepsAlive === this.#keepsAlive) return;
    this.#keepsAlive = keepsAlive;
    if (keepsAlive) this.#wake.ref();
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
    if (code !== status.ok) throw this.#error(code, errorMessage());
  }

  #error(code: number, message: string): TrtllmError {
    return statusError(code, message, this.#enginePath);
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
