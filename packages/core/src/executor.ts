import { resolve } from "node:path";
import { type ExecutorOptions, executorConfig } from "./config.ts";
import { AbortedError } from "./errors.ts";
import type {
  EngineInfo,
  ExecutorLike,
  ExecutorRequest,
  IterationStats,
  TokenStream,
  Vocabulary,
} from "./executor-like.ts";
import { loadLibrary } from "./native/library.ts";
import { NativeExecutor } from "./native/native-executor.ts";
import { encodeRequest } from "./request.ts";
import { RequestStream, RunningRequest, requestAborted } from "./token-stream.ts";
import { EngineVocabulary, type VocabularyFacts } from "./vocabulary.ts";

/** Frees the engine of an executor that was forgotten. */
const forgotten = new FinalizationRegistry<NativeExecutor>((native) => void native.close());

/** Runs one engine in this process through the native library. */
export class Executor implements ExecutorLike {
  readonly engine: EngineInfo;
  readonly vocabulary: Vocabulary | undefined;
  readonly #native: NativeExecutor;

  private constructor(native: NativeExecutor, path: string, readyJson: string) {
    const ready = JSON.parse(readyJson) as { engine: EngineInfo; vocabulary: VocabularyFacts | null };
    this.#native = native;
    this.engine = { ...ready.engine, path };
    this.vocabulary =
      ready.vocabulary === null
        ? undefined
        : new EngineVocabulary(ready.vocabulary, {
            tokenize: (text, flags) => this.#native.tokenize(text, flags),
            tokenPieces: () => this.#native.tokenPieces(),
          });
    forgotten.register(this, native, this);
  }

  /**
   * Loads the engine at `path`: a GGUF file, or an engine directory.
   * @throws ConfigError, LibraryError, EngineError, AbortedError, UnsupportedError, ExecutorError
   */
  static async create(path: string, options: ExecutorOptions = {}): Promise<Executor> {
    const { signal, onProgress, libraryPath, ...config } = options;
    const configJson = executorConfig(path, config);
    if (signal?.aborted) throw loadAborted(signal);
    const functions = await loadLibrary(libraryPath);
    if (signal?.aborted) throw loadAborted(signal);
    const enginePath = resolve(path);
    const native = new NativeExecutor(functions, { configJson, enginePath, onProgress });
    const abort = () => void native.close();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const readyJson = await native.loaded;
      if (signal?.aborted) throw loadAborted(signal);
      return new Executor(native, enginePath, readyJson);
    } catch (error) {
      await native.close();
      throw signal?.aborted ? loadAborted(signal) : error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  submit(request: ExecutorRequest): TokenStream {
    this.#native.assertOpen();
    const { signal } = request;
    if (signal?.aborted) throw requestAborted(signal);
    const { json, tokens } = encodeRequest(request, this.engine);
    const id = this.#native.submit(json, tokens);
    const running = new RunningRequest(id, () => this.#native.cancel(id), request);
    this.#native.attach(running);
    return new RequestStream(running);
  }

  iterationStats(): IterationStats[] {
    return JSON.parse(this.#native.iterationStats()) as IterationStats[];
  }

  dispose(): Promise<void> {
    forgotten.unregister(this);
    return this.#native.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

function loadAborted(signal: AbortSignal): AbortedError {
  return new AbortedError("Loading the engine was aborted by its signal.", { cause: signal.reason });
}
