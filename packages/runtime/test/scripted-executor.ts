import {
  AbortedError,
  type EngineInfo,
  type ExecutorLike,
  type ExecutorRequest,
  type FinishReason,
  type TokenChunk,
  type TokenResult,
  type TokenStream,
  type Vocabulary,
} from "@trtllm-node/core";
import { byteVocabulary } from "./byte-vocabulary.ts";

export interface Script {
  /** The chunks that every request gets. */
  readonly chunks: readonly (readonly number[])[];
  readonly finishReason?: FinishReason;
  /** After the chunks the request runs on, until it is cancelled or aborted. */
  readonly endless?: boolean;
  readonly reusedBlocks?: number;
}

/** Answers every request with the same tokens, and remembers what it was asked. */
export class ScriptedExecutor implements ExecutorLike {
  readonly vocabulary: Vocabulary | undefined;
  readonly engine: EngineInfo;
  readonly requests: ExecutorRequest[] = [];
  cancelled = 0;
  disposed = 0;
  readonly #script: Script;

  constructor(
    script: Script = { chunks: [] },
    {
      vocabulary = byteVocabulary(),
      engine = {},
    }: { vocabulary?: Vocabulary | undefined; engine?: Partial<EngineInfo> } = {},
  ) {
    this.#script = script;
    this.vocabulary = vocabulary;
    this.engine = { ...engineInfo, vocabularySize: vocabulary.size, ...engine };
  }

  submit(request: ExecutorRequest): TokenStream {
    const { signal } = request;
    if (signal?.aborted) throw new AbortedError("Aborted.", { cause: signal.reason });
    this.requests.push(request);
    const { chunks, endless = false, finishReason = "end" } = this.#script;
    let cancel = () => {};
    const result = new Promise<TokenResult>((resolve, reject) => {
      if (!endless) resolve({ ...this.#result(finishReason), ...toldTokens(chunks.flat(), request) });
      signal?.addEventListener("abort", () => reject(new AbortedError("Aborted.", { cause: signal.reason })));
      cancel = () => {
        this.cancelled++;
        resolve(this.#result("cancelled"));
      };
    });
    result.catch(() => {});
    const told = (tokens: readonly number[]) => toldTokens(tokens, request);
    const queue = chunks.map(told);
    return {
      id: this.requests.length,
      result,
      onEnd: (listener) => void result.then(listener, listener),
      cancel,
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          const value = queue.shift();
          if (value !== undefined) return { done: false, value };
          await result;
          return { done: true, value: undefined };
        },
        return: async () => {
          cancel();
          return { done: true, value: undefined };
        },
      }),
    };
  }

  iterationStats(): [] {
    return [];
  }

  async dispose(): Promise<void> {
    this.disposed++;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #result(finishReason: FinishReason): TokenResult {
    const reused = this.#script.reusedBlocks ?? 0;
    return {
      tokens: Int32Array.from(this.#script.chunks.flat()),
      finishReason,
      timings: {
        queueMs: 1,
        timeToFirstTokenMs: 2,
        interTokenMs: 3,
        interTokenLatenciesMs: Float64Array.of(2, 4),
        totalMs: 500,
      },
      kvBlocks: { allocated: reused + 1, new: 1, reused },
    };
  }
}

/** The log-probability of a token is made of its id. */
function toldTokens(ids: readonly number[], { logProbs, topLogProbs }: ExecutorRequest): TokenChunk {
  const tokens = Int32Array.from(ids);
  if (!logProbs) return { tokens };
  const values = Float32Array.from(ids, (id) => -id / 256);
  return {
    tokens,
    logProbs: values,
    topLogProbs: topLogProbs ? { perToken: 1, tokens, logProbs: values } : undefined,
  };
}

const engineInfo: EngineInfo = {
  path: "/engines/scripted",
  format: "gguf",
  name: "Scripted",
  architecture: "llama",
  device: "CPU",
  parameterCount: 0,
  weightBytes: 0,
  vocabularySize: 0,
  maxSequenceTokens: 100,
  maxBatchSize: 1,
  maxBeamWidth: 1,
  maxNumTokens: 100,
  maxQueueSize: 1,
  tokensPerBlock: 8,
  kvBlocks: 100,
  kvBytesPerToken: 1,
};
