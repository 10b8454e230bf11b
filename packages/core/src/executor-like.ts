import type { TrtllmError } from "./errors.ts";
import type { KvCacheEvent } from "./kv-cache-event.ts";
import type { RequestStatsPerIteration } from "./request-stats.ts";

/** What a runtime needs of an executor. `Executor` is the native one; tests and other engines bring theirs. */
export interface ExecutorLike extends AsyncDisposable {
  readonly engine: EngineInfo;
  /** The vocabulary stored in the engine itself, or `undefined` where it carries none. */
  readonly vocabulary: Vocabulary | undefined;
  /** Its LoRA adapters; `undefined` where it has none to offer. */
  readonly lora?: LoraAdapters | undefined;
  /**
   * Enqueues a request.
   * @throws InvalidRequestError, PromptTooLongError, KvCacheFullError, QueueFullError, UnsupportedError,
   * DisposedError, AbortedError: at once, before anything is enqueued.
   */
  submit(request: ExecutorRequest): TokenStream;
  /** Iteration statistics since the last call, oldest first. */
  iterationStats(): IterationStats[];
  /** What happened to reusable KV blocks since the last call, oldest first; none where the executor tells none. */
  kvEvents?(): KvCacheEvent[];
  /** Of each request in each iteration since the last call, oldest first; none where the executor keeps none. */
  requestStats?(): RequestStatsPerIteration[];
  /** Cancels what runs, delivers the last events, frees the engine. Idempotent. */
  dispose(): Promise<void>;
}

/** LoRA adapters by name. */
export interface LoraAdapters {
  /** Those that requests may name. */
  readonly names: readonly string[];
  /**
   * Reads an adapter beside all that runs: a PEFT checkpoint, which is a folder with `adapter_config.json` and
   * `adapter_model.safetensors`.
   * @throws AdapterError; ConfigError: the name is taken; UnsupportedError: the engine takes no adapters; AbortedError
   */
  load(name: string, path: string, options?: LoadAdapterOptions): Promise<void>;
  /**
   * From now on no request can name it; those that were submitted go on with it.
   * @throws ConfigError: no adapter has that name
   */
  unload(name: string): void;
}

export interface LoadAdapterOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ExecutorRequest {
  /** Prompt: token ids, at least one. */
  readonly tokens: Int32Array | readonly number[];
  /** Most tokens to generate; at least 1. Prompt and answer together fit `EngineInfo.maxSequenceTokens`. */
  readonly maxTokens: number;
  readonly sampling?: SamplingOptions | undefined;
  /** This token ends the answer and is not part of it. */
  readonly endId?: number | undefined;
  /** Any of these tokens ends the answer and is its last token. */
  readonly stopTokenIds?: readonly number[] | undefined;
  /**
   * Any of these token sequences, of any length, ends the answer and is its end. It may begin in the prompt, as in
   * TensorRT-LLM. Default: none.
   */
  readonly stopWords?: readonly TokenSequence[] | undefined;
  /** 0 to 1; of the waiting requests the highest goes first. Default 0.5. */
  readonly priority?: number | undefined;
  /** Milliseconds from submission after which the request ends with `"timed-out"`. Default: none. */
  readonly timeoutMs?: number | undefined;
  /** Return the log-probability of each generated token. Default false. */
  readonly logProbs?: boolean | undefined;
  /**
   * With `logProbs` or `promptLogProbs`: return so many of the most likely tokens at each position too, by the model's
   * own probabilities before bias, temperature and penalties. 0 to 20. Needs `gatherGenerationLogits`. Default 0.
   */
  readonly topLogProbs?: number | undefined;
  /**
   * Return the log-probability of each token of the prompt. The whole prompt is computed then, and its logits are held
   * in memory: 4 bytes x tokens x vocabulary. TensorRT-LLM needs an engine built with gather_context_logits.
   * Default false.
   */
  readonly promptLogProbs?: boolean | undefined;
  /**
   * The answer is a text of this language, whole unless `maxTokens` or an early end cuts it off. Default: any text.
   * What is wrong with it rejects the stream and the result with InvalidRequestError.
   */
  readonly guided?: GuidedDecoding | undefined;
  /**
   * Most tokens that wait for a reader; with more the request ends with SlowConsumerError, after the tokens that
   * wait. An executor cannot be slowed down for one of its requests. Counts from the beginning of the iteration
   * on. Default: none, so that up to `maxTokens` wait.
   */
  readonly maxUnreadTokens?: number | undefined;
  /** Name of the LoRA adapter that changes the model. Default: none. */
  readonly lora?: string | undefined;
  /** KV blocks are reused only among requests of the same number: 0 to 2^53 - 1. Default: none. */
  readonly cacheSaltId?: number | undefined;
  /** How long the KV cache keeps what this request computed. Default: priority 35 for all. */
  readonly kvCacheRetention?: KvCacheRetention | undefined;
  /** Aborting it cancels the request; its stream and result reject with AbortedError. */
  readonly signal?: AbortSignal | undefined;
}

/** Priorities are 0 to 100, 35 where nothing is said. What nobody uses is evicted in order of priority, then of age. */
export interface KvCacheRetention {
  /** Of the prompt; they may not overlap. */
  readonly tokenRanges?: readonly TokenRangeRetention[] | undefined;
  /** Of the answer. */
  readonly decodePriority?: number | undefined;
  /** Milliseconds after the request's end at which the answer's priority becomes 35. Default: never. */
  readonly decodeDurationMs?: number | undefined;
}

export interface TokenRangeRetention {
  /** Index of the first token. Default 0. */
  readonly start?: number | undefined;
  /** Index behind the last token. Default: the prompt's end. */
  readonly end?: number | undefined;
  readonly priority: number;
  /** Milliseconds after the request's end at which the priority becomes 35. Default: never. */
  readonly durationMs?: number | undefined;
}

/** Token ids, at least one. */
export type TokenSequence = readonly number[];

/**
 * `json`: any JSON value. `jsonSchema`: a value of this schema, given as an object or as its text; its order of properties
 * is that of the answer, and docs/structured-output.md lists the keywords. `regex`: a text that this regular expression
 * matches from end to end. `grammar`: a text of this EBNF grammar, in XGrammar's notation, from the rule "root". At most
 * 256 KiB.
 */
export type GuidedDecoding =
  | { readonly json: true }
  | { readonly jsonSchema: object | string }
  | { readonly regex: string }
  | { readonly grammar: string };

/**
 * How each token is chosen. Left out means: no effect. Without a temperature above 0 the most likely token is taken
 * (greedy), after biases, penalties and bans. docs/sampling.md has the order of operations.
 */
export interface SamplingOptions {
  /** 0 (greedy) or above; below 1 sharpens, above 1 flattens the distribution. Default 0. */
  readonly temperature?: number | undefined;
  /** Keep the k most likely tokens; 0 keeps all. TensorRT-LLM takes up to 1024. Default 0. */
  readonly topK?: number | undefined;
  /** Draw from the most likely tokens that sum to this probability; above 0, up to 1. Default 1. */
  readonly topP?: number | undefined;
  /**
   * Above 0, up to 1: after each token topP is multiplied by it. Needs a temperature and no topK. Default 1.
   */
  readonly topPDecay?: number | undefined;
  /** What topP does not decay below; above 0, up to 1. Only with topPDecay. Default 1e-6. */
  readonly topPMin?: number | undefined;
  /** The token that sets a decayed topP back to where it began. Only with topPDecay. Default: none. */
  readonly topPResetId?: number | undefined;
  /** Drop tokens less likely than this share of the best one's probability; 0 to 1. Default 0. */
  readonly minP?: number | undefined;
  /** 0 to 2^53 - 1. The same seed, request and engine give the same tokens. Default 0. */
  readonly seed?: number | undefined;
  /** Above 0; over 1 makes tokens of prompt and answer less likely again. Default 1. */
  readonly repetitionPenalty?: number | undefined;
  /** Subtracted once from the logit of each token of prompt and answer, after the temperature. Default 0. */
  readonly presencePenalty?: number | undefined;
  /** Subtracted from a token's logit once per occurrence in prompt and answer. Default 0. */
  readonly frequencyPenalty?: number | undefined;
  /**
   * So many tokens at the beginning of the prompt do not count for presencePenalty and frequencyPenalty; more than
   * the prompt has means all, as in OpenAI's API. Needs TensorRT-LLM 1.2. Default 0.
   */
  readonly promptIgnoreLength?: number | undefined;
  /**
   * No sequence of so many tokens comes twice in prompt and answer; 0 allows repetition. TensorRT-LLM takes up to
   * 32. Default 0.
   */
  readonly noRepeatNgramSize?: number | undefined;
  /** Token sequences that may not come; a word of one token is never chosen. Default: none. */
  readonly badWords?: readonly TokenSequence[] | undefined;
  /** By token id: a number added to the model's logit, before all else. -100 all but forbids. Default: none. */
  readonly logitBias?: Readonly<Record<number, number>> | undefined;
  /** `endId` does not come before this many tokens; stop tokens and words still end the answer. Default 0. */
  readonly minTokens?: number | undefined;
  /**
   * Answers to one prompt, which is computed once; answer i is drawn with seed + i. With beams: how many of them are
   * returned, all where it is left out. At least 1; the embedded executor runs all at once and needs as many places of
   * `maxBatchSize`. Default 1.
   */
  readonly numReturnSequences?: number | undefined;
  /**
   * Above 1: beam search, with so many beams; up to `EngineInfo.maxBeamWidth`. It draws nothing, gives everything at
   * its end, and takes no guide. Default 1.
   */
  readonly beamWidth?: number | undefined;
  /** Beams are ranked by log-probability / length ^ lengthPenalty. 0 or above. Only with beams. Default 0. */
  readonly lengthPenalty?: number | undefined;
  /** Added to a candidate's rank once per index of its beam. 0 or above. Only with beams. Default 0. */
  readonly beamSearchDiversityRate?: number | undefined;
  /**
   * 1: done with `beamWidth` finished answers. 0: done when no beam can become better than the worst of them, judged
   * at its present length. Above 1: the same, judged at `maxTokens` where the length penalty is above 0. Only with
   * beams. Default 1.
   */
  readonly earlyStopping?: number | undefined;
}

/**
 * One running request. Iterate it once: chunks come as the engine makes them, and leaving the loop
 * early cancels the request. `result` settles exactly once, whether or not anyone iterates. A stream that
 * is garbage collected cancels its request too, unless its `result` has been asked for.
 */
export interface TokenStream extends AsyncIterable<TokenChunk> {
  /** The executor's id of the request; unique within the executor. */
  readonly id: number;
  readonly result: Promise<TokenResult>;
  /** Tells how the request ended, as `result` does, without keeping a forgotten one running. */
  onEnd(listener: (end: TokenResult | TrtllmError) => void): void;
  /** Ends the request early; `result` resolves with `"cancelled"`. No effect once it has ended. */
  cancel(): void;
}

export interface TokenChunk {
  /** Whose tokens these are, where the request asked for several sequences. */
  readonly sequenceIndex?: number | undefined;
  /** Everything new since the last chunk, at least one token. Shared with the result: do not write to it. */
  readonly tokens: Int32Array;
  /** Natural logarithms, one per token, where the request asked for them. */
  readonly logProbs?: Float32Array | undefined;
  readonly topLogProbs?: TopLogProbs | undefined;
}

/** The most likely tokens at each of some positions. */
export interface TopLogProbs {
  /** How many at each position. */
  readonly perToken: number;
  /** Position i has `tokens[i * perToken]` and those after it, best first; -1 where there are fewer. */
  readonly tokens: Int32Array;
  /** Natural logarithms, as long as `tokens`. */
  readonly logProbs: Float32Array;
}

export type FinishReason = "end" | "stop" | "length" | "timed-out" | "cancelled";

/** One answer. */
export interface SequenceResult {
  /** Every generated token. */
  readonly tokens: Int32Array;
  readonly logProbs?: Float32Array | undefined;
  readonly topLogProbs?: TopLogProbs | undefined;
  /**
   * Natural logarithm: the sum of its tokens', where the request asked for them. Of a beam always, with its end
   * token's.
   */
  readonly cumLogProb?: number | undefined;
  readonly finishReason: FinishReason;
  readonly timings: RequestTimings;
}

/** What a request has come to. Of several sequences the first is what the fields of a single one tell. */
export interface TokenResult extends SequenceResult {
  /** In order, beams the best first; `undefined` where neither numReturnSequences nor beamWidth is above 1. */
  readonly sequences?: readonly SequenceResult[] | undefined;
  /** One per token of the prompt, where the request asked for them; NaN for the first, which nothing precedes. */
  readonly promptLogProbs?: Float32Array | undefined;
  readonly promptTopLogProbs?: TopLogProbs | undefined;
  readonly kvBlocks: RequestKvBlocks;
  /** Where tokens were guessed for it: docs/speculative-decoding.md. */
  readonly speculativeDecoding?: SpeculativeDecodingMetrics | undefined;
}

/** Milliseconds, measured by the executor, from the moment it took the request. */
export interface RequestTimings {
  /** Waited until the first forward pass. */
  readonly queueMs: number;
  /** `undefined` where the request ended without a token. */
  readonly timeToFirstTokenMs: number | undefined;
  /** Mean time between tokens: (last token - first token) / (tokens - 1); `undefined` under two tokens. */
  readonly interTokenMs: number | undefined;
  /**
   * Time between each token and the one before, one less than there are tokens. Tokens that come together, or while
   * JavaScript is busy, share the time since those before.
   */
  readonly interTokenLatenciesMs: Float64Array;
  /** Until the last token, or until the end where there was none. */
  readonly totalMs: number;
}

export interface RequestKvBlocks {
  /** Blocks taken from the pool for the prompt, and for what several sequences cannot share of it. */
  readonly allocated: number;
  /** Of them, those that held nothing before. */
  readonly new: number;
  /** Blocks found in the cache with their content. */
  readonly reused: number;
}

/** TensorRT-LLM's RequestPerfMetrics::SpeculativeDecodingMetrics, with its field names. */
export interface SpeculativeDecodingMetrics {
  /** Tokens that were guessed and checked. */
  readonly totalDraftTokens: number;
  /** Of them, those that the model chose too. */
  readonly totalAcceptedDraftTokens: number;
  /** totalAcceptedDraftTokens / totalDraftTokens. */
  readonly acceptanceRate: number;
}

export interface EngineInfo {
  /** As given at load, made absolute. */
  readonly path: string;
  readonly format: "gguf" | "openvino" | "tensorrt";
  readonly name: string;
  /** Model architecture, such as "llama". */
  readonly architecture: string;
  /** What computes: the name of the GPU, else of the CPU. */
  readonly device: string;
  readonly parameterCount: number;
  /** Bytes of the weights. */
  readonly weightBytes: number;
  readonly vocabularySize: number;
  /** Most tokens of prompt and answer together. */
  readonly maxSequenceTokens: number;
  /** Most requests running at once; of the embedded executor, most sequences of all of them together. */
  readonly maxBatchSize: number;
  /** Most beams of a request. */
  readonly maxBeamWidth: number;
  /** Most tokens computed in one iteration. */
  readonly maxNumTokens: number;
  /** Most requests waiting; the next is refused with QueueFullError. */
  readonly maxQueueSize: number;
  readonly tokensPerBlock: number;
  /** KV blocks in the pool. */
  readonly kvBlocks: number;
  /** Bytes of KV cache per token. */
  readonly kvBytesPerToken: number;
}

/** The tokenizer that an engine carries (a GGUF does). */
export interface Vocabulary {
  readonly size: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** Tokens that end an answer; includes `eosId`. */
  readonly endIds: readonly number[];
  /** Whether a prompt starts with BOS. */
  readonly addBos: boolean;
  /** Jinja source of the chat template. */
  readonly chatTemplate: string | undefined;
  tokenize(text: string, options?: TokenizeOptions): Int32Array;
  /** The same tokens, made off the event loop: for long texts. */
  tokenizeAsync(text: string, options?: TokenizeOptions): Promise<Int32Array>;
  /** The bytes of each token by id, which may be part of a UTF-8 character. Shared: do not write to it. */
  readonly pieces: readonly TokenPiece[];
}

export interface TokenizeOptions {
  /** Add BOS and EOS where the model wants them. Default true. */
  readonly addSpecial?: boolean | undefined;
  /** Read "<|im_start|>" in the text as that token, not as its letters. Default false. */
  readonly parseSpecial?: boolean | undefined;
}

export interface TokenPiece {
  readonly bytes: Uint8Array;
  /** Structure, such as `<|im_end|>`, which is no part of the text. */
  readonly control: boolean;
}

/** TensorRT-LLM's IterationStats, with its field names; times in milliseconds. */
export interface IterationStats {
  readonly timestamp: string;
  readonly iter: number;
  readonly iterLatencyMS: number;
  readonly newActiveRequestsQueueLatencyMS: number;
  readonly numNewActiveRequests: number;
  readonly numActiveRequests: number;
  readonly numQueuedRequests: number;
  readonly numCompletedRequests: number;
  readonly maxNumActiveRequests: number;
  readonly gpuMemUsage: number;
  readonly cpuMemUsage: number;
  readonly pinnedMemUsage: number;
  readonly kvCacheStats?: KvCacheStats;
  readonly inflightBatchingStats?: InflightBatchingStats;
  /** Where the executor speculates. */
  readonly specDecodingStats?: SpecDecodingStats;
}

export interface KvCacheStats {
  readonly maxNumBlocks: number;
  readonly freeNumBlocks: number;
  readonly usedNumBlocks: number;
  readonly tokensPerBlock: number;
  readonly allocTotalBlocks: number;
  readonly allocNewBlocks: number;
  readonly reusedBlocks: number;
  readonly missedBlocks: number;
  /** reusedBlocks / (reusedBlocks + missedBlocks). */
  readonly cacheHitRate: number;
}

export interface InflightBatchingStats {
  readonly numScheduledRequests: number;
  readonly numContextRequests: number;
  readonly numGenRequests: number;
  readonly numPausedRequests: number;
  readonly numCtxTokens: number;
  readonly microBatchId: number;
  readonly avgNumDecodedTokensPerIter: number;
}

/** Of the sequences whose guessed tokens an iteration checked. */
export interface SpecDecodingStats {
  readonly numDraftTokens: number;
  readonly numAcceptedTokens: number;
  readonly numRequestsWithDraftTokens: number;
  /** Tokens that each of them got, on average. */
  readonly acceptanceLength: number;
  /** Of guessing alone. */
  readonly iterLatencyMS: number;
  /** iterLatencyMS / the iteration's. */
  readonly draftOverhead: number;
}
