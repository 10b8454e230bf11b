import { type Deferred, deferred } from "../deferred.ts";
import { ExecutorCrashedError, ExecutorError, LibraryError, type TrtllmError } from "../errors.ts";
import { ExecutorBackend, type LatestKind, type LoadOptions } from "../executor-backend.ts";
import { status } from "../native/declarations.ts";
import type { RecordReader } from "../native/records.ts";
import { disposedError } from "../native/status-error.ts";
import { CrashHistory, type RestartPolicy } from "./crash-history.ts";
import { type HostExit, HostProcess } from "./host-process.ts";
import { command, commandKind, libraryFailed, queryKind, submitCommand } from "./protocol.ts";

/** A stop in the shim takes 10 s at most. */
const closeLimitMs = 15_000;

export interface IsolationOptions extends RestartPolicy {
  readonly hostPath: string;
  readonly libraryPath: string;
  /** What trtllm-host is told. */
  readonly hostArguments: readonly string[];
  /** Longest time without a record while requests run; then the process is taken for hung. */
  readonly stallTimeoutMs: number;
}

/**
 * An executor in a process of its own. When that ends unexpectedly, requests in flight fail and another is started;
 * what is submitted meanwhile waits for it.
 */
export class IsolatedExecutor extends ExecutorBackend {
  readonly #options: IsolationOptions;
  readonly #create: Buffer;
  readonly #crashes: CrashHistory;
  readonly #ended: Deferred<void> = deferred();
  readonly #watchdog: NodeJS.Timeout;
  #host: HostProcess | undefined;
  /** Commands that wait until the engine is loaded; none once it is. */
  #held: Buffer[] | undefined = [];
  #waiting: (() => void)[] = [];
  /** Paths of the adapters that a process has to have, by task id. */
  readonly #loras = new Map<number, string>();
  /** Of them, those that a new process still reads. */
  #reading = new Set<number>();
  #wasReady = false;
  #lastId = 0;
  #lastProgressMs = 0;
  #restart: NodeJS.Timeout | undefined;
  #failure: TrtllmError | undefined;
  #stopped = false;
  #closing: Promise<void> | undefined;

  /** Starts the load and returns at once. */
  constructor(options: LoadOptions, isolation: IsolationOptions) {
    super(options);
    this.#options = isolation;
    this.#create = command(commandKind.create, 0, Buffer.from(options.configJson));
    this.#crashes = new CrashHistory(isolation);
    this.#watchdog = setInterval(this.#watch, isolation.stallTimeoutMs / 4).unref();
    void this.#start();
  }

  submit(requestJson: string, tokens: Int32Array): number {
    this.assertOpen();
    const id = ++this.#lastId;
    if (!this.hasRequests) this.#lastProgressMs = performance.now();
    this.#send(submitCommand(id, requestJson, tokens));
    return id;
  }

  cancel(id: number): void {
    this.#send(command(commandKind.cancel, id));
  }

  protected override beginLora(taskId: number, path: string): void {
    this.#loras.set(taskId, path);
    this.#send(loadLoraCommand(taskId, path));
  }

  unloadLora(taskId: number): void {
    this.#loras.delete(taskId);
    this.#send(command(commandKind.unloadLora, taskId));
  }

  override lora(taskId: number, code: number, message: string): void {
    if (code !== status.ok) this.#loras.delete(taskId);
    if (this.#reading.delete(taskId)) this.#resume();
    else super.lora(taskId, code, message);
  }

  latest(what: LatestKind): string {
    return this.#ask(queryKind[what]).toString();
  }

  tokenize(text: Buffer, flags: number): Int32Array {
    const ids = this.#ask(queryKind.tokenize, flags, text);
    return new Int32Array(ids.buffer, ids.byteOffset, ids.length / 4).slice();
  }

  /** Waits for a restart that is under way. */
  override async tokenizeAsync(text: Buffer, flags: number): Promise<Int32Array> {
    this.assertOpen();
    if (this.#held !== undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.tokenize(text, flags);
  }

  tokenPieces(): Buffer {
    return this.#ask(queryKind.tokenPieces);
  }

  assertOpen(): void {
    if (this.#closing !== undefined) throw disposedError();
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  override ready(json: string): void {
    this.#wasReady = true;
    super.ready(json);
    this.#reading = new Set(this.#loras.keys());
    for (const [taskId, path] of this.#loras) this.#host?.send(loadLoraCommand(taskId, path));
    this.#resume();
  }

  override loadFailed(code: number, message: string): void {
    if (code !== libraryFailed) {
      super.loadFailed(code, message);
      this.#failure ??= this.statusError(code, message);
      return;
    }
    this.#failure = new LibraryError(
      "ERR_LIBRARY_INCOMPATIBLE",
      `The native library ${this.#options.libraryPath} cannot be loaded: ${message}. It must be a build of native-shim for this platform with all libraries it needs.`,
    );
    this.failLoad(this.#failure);
  }

  protected override onStopped(): void {
    this.#stopped = true;
    this.#host?.end();
  }

  protected override setAlive(alive: boolean): void {
    if (alive) this.#host?.ref();
    else this.#host?.unref();
    if (alive) this.#restart?.ref();
    else this.#restart?.unref();
  }

  async #start(): Promise<void> {
    this.#lastProgressMs = performance.now();
    try {
      this.#host = await HostProcess.start(this.#options.hostPath, this.#options.hostArguments, {
        records: (reader, bytes) => this.#records(reader, bytes),
        exited: (exit) => this.#exited(exit),
      });
    } catch (error) {
      this.#giveUp(error as TrtllmError);
      return;
    }
    this.setAlive(this.keepsAlive);
    this.#host.send(this.#create);
    if (this.#closing !== undefined) this.#host.send(command(commandKind.shutdown));
  }

  #records(reader: RecordReader, bytes: number): void {
    this.#lastProgressMs = performance.now();
    this.dispatch(reader, bytes);
  }

  #exited(exit: HostExit): void {
    this.#host = undefined;
    if (this.#stopped && this.#failure === undefined) {
      this.#giveUp(
        new ExecutorError("ERR_EXECUTOR", "The executor stopped without an answer to this request."),
      );
      return;
    }
    if (this.#failure !== undefined || this.#closing !== undefined) {
      this.#giveUp(this.#failure ?? crashed(exit));
      return;
    }
    const error = crashed(exit);
    const wait = this.#wasReady ? this.#crashes.crashed(performance.now()) : undefined;
    if (wait === undefined) {
      this.#giveUp(error);
      return;
    }
    this.#held = [];
    this.failAll(error);
    this.#restart = setTimeout(() => {
      this.#restart = undefined;
      void this.#start();
    }, wait);
    if (!this.keepsAlive) this.#restart.unref();
  }

  /** The end: whatever is asked from now on is answered with `error`. */
  #giveUp(error: TrtllmError): void {
    clearInterval(this.#watchdog);
    this.#failure ??= error;
    this.#endRestart();
    this.failAll(error);
    this.#ended.resolve();
  }

  /** Once the engine is loaded and has its adapters. */
  #resume(): void {
    if (this.#reading.size > 0) return;
    for (const held of this.#held ?? []) this.#host?.send(held);
    this.#endRestart();
  }

  #endRestart(): void {
    this.#held = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #close(): Promise<void> {
    this.beginClosing();
    if (this.#restart !== undefined) {
      clearTimeout(this.#restart);
      this.#giveUp(disposedError());
    }
    if (this.#failure === undefined) this.#host?.send(command(commandKind.shutdown));
    const limit = setTimeout(() => this.#host?.kill("It did not stop in time."), closeLimitMs);
    await this.#ended.promise;
    clearTimeout(limit);
  }

  readonly #watch = (): void => {
    if (!this.hasRequests || this.#held !== undefined) return;
    const silentMs = performance.now() - this.#lastProgressMs;
    if (silentMs < this.#options.stallTimeoutMs) return;
    this.#host?.kill(`It gave no sign of life for ${Math.round(silentMs)} ms while requests were running.`);
  };

  #send(bytes: Buffer): void {
    if (this.#held !== undefined) this.#held.push(bytes);
    else this.#host?.send(bytes);
  }

  #ask(kind: number, flags = 0, payload: Uint8Array = new Uint8Array()): Buffer {
    this.assertOpen();
    if (this.#host === undefined || this.#held !== undefined) {
      throw new ExecutorCrashedError("The executor's process is being restarted. Ask again in a moment.");
    }
    const reply = this.#host.ask(kind, flags, payload);
    if (reply.status !== status.ok) throw this.statusError(reply.status, reply.payload.toString());
    return reply.payload;
  }
}

function loadLoraCommand(taskId: number, path: string): Buffer {
  return command(commandKind.loadLora, taskId, Buffer.from(path));
}

function crashed({ exitCode, signal, cause, stderr }: HostExit): ExecutorCrashedError {
  const how = signal === null ? `ended with exit status ${exitCode}` : `was ended by ${signal}`;
  const why = typeof cause === "string" ? ` ${cause}` : cause instanceof Error ? ` ${cause.message}` : "";
  const lines = stderr.trim().split("\n");
  const own = lines.filter((line) => line.startsWith("trtllm-host: "));
  const said = own.at(-1) ?? lines.at(-1); // not mpirun's explanations
  return new ExecutorCrashedError(
    `The executor's process ${how}.${why}${said ? ` It said: ${said}` : ""} Requests that were in flight have failed; submit them again.`,
    { exitCode, signal, stderr, cause },
  );
}
