import { type Deferred, deferred, quietDeferred } from "./deferred.ts";
import { AbortedError, ConfigError, type TrtllmError } from "./errors.ts";
import { status } from "./native/declarations.ts";
import type {
  FinalRecord,
  RecordReader,
  RecordVisitor,
  SequenceEndRecord,
  TokensRecord,
  TopLogProbsRecord,
} from "./native/records.ts";
import { adapterError, statusError } from "./native/status-error.ts";

/** Where the records of one request go: any number of `push`, each flushed later, then one of `finish` and `fail`. */
export interface RecordSink {
  readonly id: number;
  /** True where it waits for a `flush` from now on. */
  push(record: TokensRecord): boolean;
  /** Alternatives come before the tokens to which they belong. */
  pushTopLogProbs(record: TopLogProbsRecord): void;
  setPromptLogProbs(logProbs: Float32Array): void;
  endSequence(record: SequenceEndRecord): void;
  flush(): void;
  finish(record: FinalRecord): void;
  fail(error: TrtllmError): void;
}

export interface LoadOptions {
  readonly configJson: string;
  readonly enginePath: string;
  readonly onProgress: ((fraction: number) => void) | undefined;
}

export type LatestKind = "iterationStats" | "requestStats" | "kvEvents";

/**
 * One executor of the native library, in this process or in one of its own: what `Executor` needs of it. Knows
 * nothing of the `Executor` in front of it, so that one can be garbage collected while this waits.
 */
export abstract class ExecutorBackend implements RecordVisitor {
  /** The READY record's JSON. */
  readonly loaded: Promise<string>;
  protected readonly enginePath: string;
  readonly #sinks = new Map<number, RecordSink>();
  readonly #load: Deferred<string> = quietDeferred();
  readonly #touched: RecordSink[] = [];
  /** Adapters that are being read, by task id. */
  readonly #loras = new Map<number, { readonly path: string; readonly end: Deferred<void> }>();
  #onProgress: LoadOptions["onProgress"];
  #loading = true;
  #closing = false;
  #keepsAlive = true;

  constructor({ enginePath, onProgress }: LoadOptions) {
    this.enginePath = enginePath;
    this.#onProgress = onProgress;
    this.loaded = this.#load.promise;
  }

  /** Returns the request's id, whose records go to a sink that is attached before this turn ends. */
  abstract submit(requestJson: string, tokens: Int32Array): number;
  /** A request that has ended needs no cancel: nothing happens. */
  abstract cancel(id: number): void;
  /** Begins to read an adapter, which a LORA record ends. */
  protected abstract beginLora(taskId: number, path: string): void;
  abstract unloadLora(taskId: number): void;
  /** What came since the last call, as JSON text. */
  abstract latest(what: LatestKind): string;
  abstract tokenize(text: Buffer, flags: number): Int32Array;
  /** Off the event loop where the backend can. */
  async tokenizeAsync(text: Buffer, flags: number): Promise<Int32Array> {
    return this.tokenize(text, flags);
  }
  abstract tokenPieces(): Buffer;
  /** Cancels what runs, waits until its last record is delivered, frees everything. Idempotent. */
  abstract close(): Promise<void>;
  abstract assertOpen(): void;
  /** Whether what this waits on keeps the process alive. */
  protected abstract setAlive(alive: boolean): void;
  /** The STOPPED record has come. */
  protected abstract onStopped(): void;

  attach(sink: RecordSink): void {
    this.#sinks.set(sink.id, sink);
    this.updateAlive();
  }

  /** Reads a LoRA adapter for requests that name its task id. */
  loadLora(taskId: number, path: string): Promise<void> {
    this.assertOpen();
    this.beginLora(taskId, path);
    const end = deferred<void>();
    this.#loras.set(taskId, { path, end });
    this.updateAlive();
    return end.promise;
  }

  get hasRequests(): boolean {
    return this.#sinks.size > 0;
  }

  tokens(record: TokensRecord): void {
    const sink = this.#sinks.get(record.requestId);
    if (sink?.push(record)) this.#touched.push(sink);
  }

  topLogProbs(record: TopLogProbsRecord): void {
    this.#sinks.get(record.requestId)?.pushTopLogProbs(record);
  }

  promptLogProbs(requestId: number, logProbs: Float32Array): void {
    this.#sinks.get(requestId)?.setPromptLogProbs(logProbs);
  }

  sequenceEnd(record: SequenceEndRecord): void {
    this.#sinks.get(record.requestId)?.endSequence(record);
  }

  final(record: FinalRecord): void {
    this.#take(record.requestId)?.finish(record);
  }

  error(requestId: number, code: number, message: string): void {
    this.#take(requestId)?.fail(this.statusError(code, message));
  }

  lora(taskId: number, code: number, message: string): void {
    const read = this.#loras.get(taskId);
    this.#loras.delete(taskId);
    if (code === status.ok) read?.end.resolve();
    else read?.end.reject(adapterError(code, message, read.path));
  }

  loadProgress(fraction: number): void {
    try {
      this.#onProgress?.(fraction);
    } catch (error) {
      this.failLoad(error);
    }
  }

  ready(json: string): void {
    this.#load.resolve(json);
    this.#loadEnded();
  }

  loadFailed(code: number, message: string): void {
    this.failLoad(
      code === status.invalidArgument ? new ConfigError(message) : this.statusError(code, message),
    );
  }

  stopped(): void {
    this.failLoad(new AbortedError("The load was ended before the engine was ready."));
    this.onStopped();
  }

  /** Hands the records in the first `bytes` of the reader's buffer to their requests. */
  protected dispatch(reader: RecordReader, bytes: number): void {
    reader.read(bytes, this);
    for (const sink of this.#touched) sink.flush();
    this.#touched.length = 0;
    this.updateAlive();
  }

  /** No effect after the load has ended. */
  protected failLoad(error: unknown): void {
    this.#load.reject(error);
    this.#loadEnded();
  }

  protected failAll(error: TrtllmError): void {
    this.failLoad(error);
    for (const sink of this.#sinks.values()) sink.fail(error);
    this.#sinks.clear();
    for (const { end } of this.#loras.values()) end.reject(error);
    this.#loras.clear();
    this.updateAlive();
  }

  /** From now on the process is kept alive until the end. */
  protected beginClosing(): void {
    this.#closing = true;
    this.updateAlive();
  }

  /** An idle executor does not keep the process alive. */
  protected updateAlive(): void {
    const keepsAlive = this.#loading || this.#sinks.size > 0 || this.#loras.size > 0 || this.#closing;
    if (keepsAlive === this.#keepsAlive) return;
    this.#keepsAlive = keepsAlive;
    this.setAlive(keepsAlive);
  }

  protected get keepsAlive(): boolean {
    return this.#keepsAlive;
  }

  protected statusError(code: number, message: string): TrtllmError {
    return statusError(code, message, this.enginePath);
  }

  #take(id: number): RecordSink | undefined {
    const sink = this.#sinks.get(id);
    this.#sinks.delete(id);
    return sink;
  }

  #loadEnded(): void {
    this.#loading = false;
    this.#onProgress = undefined; // may hold the Executor, which must stay collectable
  }
}
