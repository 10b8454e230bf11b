import { resolve } from "node:path";
import type { ExecutorOptions } from "./config.ts";
import { AbortedError } from "./errors.ts";
import type { ExecutorBackend, LoadOptions } from "./executor-backend.ts";
import type {
  EngineInfo,
  ExecutorLike,
  ExecutorRequest,
  IterationStats,
  TokenStream,
  Vocabulary,
} from "./executor-like.ts";
import { IsolatedExecutor } from "./isolated/isolated-executor.ts";
import type { KvCacheEvent } from "./kv-cache-event.ts";
import { adapterFolders, ExecutorLora } from "./lora-adapters.ts";
import { libraryFiles, loadLibrary } from "./native/library.ts";
import { NativeExecutor } from "./native/native-executor.ts";
import type { EngineRanks } from "./ranks/engine-ranks.ts";
import { hostArguments } from "./ranks/host-arguments.ts";
import { prepareLoad } from "./ranks/prepare-load.ts";
import { encodeRequest } from "./request.ts";
import type { RequestStatsPerIteration } from "./request-stats.ts";
import { returnedSequences } from "./sequences.ts";
import { RequestStream, RunningRequest, requestAborted } from "./token-stream.ts";
import { EngineVocabulary, type VocabularyFacts } from "./vocabulary.ts";

/** Frees the engine of an executor that was forgotten. */
const forgotten = new FinalizationRegistry<ExecutorBackend>((native) => void native.close());

/** Runs one engine through the native library, in this process or in one of its own. */
export class Executor implements ExecutorLike {
  readonly engine: EngineInfo;
  readonly vocabulary: Vocabulary | undefined;
  readonly lora: ExecutorLora;
  readonly #native: ExecutorBackend;

  private constructor(native: ExecutorBackend, path: string, readyJson: string) {
    const ready = JSON.parse(readyJson) as { engine: EngineInfo; vocabulary: VocabularyFacts | null };
    this.#native = native;
    this.engine = { ...ready.engine, path };
    this.lora = new ExecutorLora(native);
    this.vocabulary =
      ready.vocabulary === null
        ? undefined
        : new EngineVocabulary(ready.vocabulary, {
            tokenize: (text, flags) => this.#native.tokenize(text, flags),
            tokenizeAsync: (text, flags) => this.#native.tokenizeAsync(text, flags),
            tokenPieces: () => this.#native.tokenPieces(),
          });
    forgotten.register(this, native, this);
  }

  /**
   * Loads the engine at `path`: a GGUF file, or an engine directory.
   * @throws ConfigError, LibraryError, EngineError, AdapterError, AbortedError, UnsupportedError, ExecutorError
   */
  static async create(path: string, options: ExecutorOptions = {}): Promise<Executor> {
    const { signal, onProgress, libraryPath, lora, ...config } = options;
    const { configJson, isolation, ranks } = await prepareLoad(path, config);
    if (signal?.aborted) throw loadAborted(signal);
    const enginePath = resolve(path);
    const load = { configJson, enginePath, onProgress };
    const native =
      isolation === "process" ? isolated(load, ranks, options) : await inProcess(load, libraryPath);
    if (signal?.aborted) void native.close();
    const abort = () => void native.close();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const readyJson = await native.loaded;
      if (signal?.aborted) throw loadAborted(signal);
      const executor = new Executor(native, enginePath, readyJson);
      for (const [name, folder] of Object.entries(await adapterFolders(enginePath, lora))) {
        await executor.lora.load(name, folder, { signal });
      }
      return executor;
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
    const { json, tokens } = encodeRequest(request, this.engine, (name) => this.lora.taskId(name));
    const id = this.#native.submit(json, tokens);
    const { maxUnreadTokens, sampling } = request;
    const options = { signal, maxUnreadTokens, sequences: returnedSequences(sampling) };
    const running = new RunningRequest(id, () => this.#native.cancel(id), options);
    this.#native.attach(running);
    return new RequestStream(running);
  }

  iterationStats(): IterationStats[] {
    return JSON.parse(this.#native.latest("iterationStats")) as IterationStats[];
  }

  /** Of each request in each iteration since the last call, oldest first. Needs `requestStatsMaxIterations`. */
  requestStats(): RequestStatsPerIteration[] {
    return JSON.parse(this.#native.latest("requestStats")) as RequestStatsPerIteration[];
  }

  /** What happened to reusable KV blocks since the last call, oldest first. Needs `kvCache.eventBufferMaxSize`. */
  kvEvents(): KvCacheEvent[] {
    return JSON.parse(this.#native.latest("kvEvents")) as KvCacheEvent[];
  }

  dispose(): Promise<void> {
    forgotten.unregister(this);
    return this.#native.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

async function inProcess(load: LoadOptions, libraryPath: string | undefined): Promise<ExecutorBackend> {
  return new NativeExecutor(await loadLibrary(libraryPath), load);
}

function isolated(
  load: LoadOptions,
  ranks: EngineRanks | undefined,
  options: ExecutorOptions,
): ExecutorBackend {
  const { stallTimeoutMs = 60_000, maxCrashes = 5, crashWindowMs = 60_000 } = options.host ?? {};
  const { backoffMs = 100, maxBackoffMs = 10_000 } = options.host ?? {};
  const policy = { stallTimeoutMs, maxCrashes, crashWindowMs, backoffMs, maxBackoffMs };
  const files = libraryFiles(options.libraryPath);
  return new IsolatedExecutor(load, {
    ...policy,
    ...files,
    hostArguments: hostArguments(files, ranks, options),
  });
}

function loadAborted(signal: AbortSignal): AbortedError {
  return new AbortedError("Loading the engine was aborted by its signal.", { cause: signal.reason });
}
