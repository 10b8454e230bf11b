export type { ExecutorOptions } from "./config.ts";
export {
  AbortedError,
  AdapterError,
  ConfigError,
  DisposedError,
  EngineError,
  ExecutorCrashedError,
  ExecutorError,
  InvalidRequestError,
  KvCacheFullError,
  LibraryError,
  PromptTooLongError,
  QueueFullError,
  SlowConsumerError,
  TrtllmError,
  type TrtllmErrorCode,
  UnsupportedError,
} from "./errors.ts";
export { Executor } from "./executor.ts";
export type {
  EngineInfo,
  ExecutorLike,
  ExecutorRequest,
  FinishReason,
  GuidedDecoding,
  InflightBatchingStats,
  IterationStats,
  KvCacheRetention,
  KvCacheStats,
  LoadAdapterOptions,
  LoraAdapters,
  RequestKvBlocks,
  RequestTimings,
  SamplingOptions,
  SequenceResult,
  SpecDecodingStats,
  SpeculativeDecodingMetrics,
  TokenChunk,
  TokenizeOptions,
  TokenPiece,
  TokenRangeRetention,
  TokenResult,
  TokenSequence,
  TokenStream,
  TopLogProbs,
  Vocabulary,
} from "./executor-like.ts";
export type {
  KvCacheChange,
  KvCacheCreated,
  KvCacheEvent,
  KvCacheRemoved,
  KvCacheStored,
  KvCacheUpdated,
  StoredKvBlock,
} from "./kv-cache-event.ts";
export { tryLockFile } from "./native/file-lock.ts";
export { type LibraryInfo, libraryInfo } from "./native/library.ts";
export { launchLine } from "./ranks/prepare-load.ts";
export type { RequestStage, RequestStats, RequestStatsPerIteration } from "./request-stats.ts";
export { problems as schemaProblems } from "./schema.ts";
export { unknownOption } from "./unknown-option.ts";
