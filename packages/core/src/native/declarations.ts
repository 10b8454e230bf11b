// Mirror of native-shim/include/trtllm_shim.h: names and types as they stand there.

export const abiVersion = 6;

export const prototypes = {
  abiVersion: "uint32_t trtllm_abi_version(void)",
  libraryInfo: "const char * trtllm_library_info(void)",
  create:
    "trtllm_status trtllm_executor_create(const char * config_json, uint64_t * executor, int32_t * wake_fd, trtllm_error * error)",
  submit:
    "trtllm_status trtllm_executor_submit(uint64_t executor, const char * request_json, const int32_t * tokens, size_t token_count, uint64_t * request_id, trtllm_error * error)",
  cancel:
    "trtllm_status trtllm_executor_cancel(uint64_t executor, uint64_t request_id, trtllm_error * error)",
  loadLora:
    "trtllm_status trtllm_executor_load_lora(uint64_t executor, uint64_t task_id, const char * path, trtllm_error * error)",
  unloadLora:
    "trtllm_status trtllm_executor_unload_lora(uint64_t executor, uint64_t task_id, trtllm_error * error)",
  drain:
    "trtllm_status trtllm_executor_drain(uint64_t executor, uint8_t * buffer, size_t capacity, size_t * written, trtllm_error * error)",
  iterationStats:
    "trtllm_status trtllm_executor_iteration_stats(uint64_t executor, char * buffer, size_t capacity, size_t * length, trtllm_error * error)",
  requestStats:
    "trtllm_status trtllm_executor_request_stats(uint64_t executor, char * buffer, size_t capacity, size_t * length, trtllm_error * error)",
  kvEvents:
    "trtllm_status trtllm_executor_kv_events(uint64_t executor, char * buffer, size_t capacity, size_t * length, trtllm_error * error)",
  shutdown: "trtllm_status trtllm_executor_shutdown(uint64_t executor, trtllm_error * error)",
  destroy: "trtllm_status trtllm_executor_destroy(uint64_t executor, trtllm_error * error)",
  tokenize:
    "trtllm_status trtllm_executor_tokenize(uint64_t executor, const char * text, size_t text_bytes, uint32_t flags, int32_t * tokens, size_t capacity, size_t * count, trtllm_error * error)",
  tokenPieces:
    "trtllm_status trtllm_executor_token_pieces(uint64_t executor, uint8_t * buffer, size_t capacity, size_t * size, trtllm_error * error)",
} as const;

/** A function that koffi can also run on a thread of libuv's pool. */
interface Asynchronous<Arguments extends unknown[]> {
  (...args: Arguments): number;
  async(...args: [...Arguments, callback: (error: Error | null, status: number) => void]): void;
}

/** The functions as koffi binds them. Out-parameters are caller-owned; 64-bit numbers stay below 2^53. */
export interface NativeFunctions {
  abiVersion(): number;
  libraryInfo(): string;
  create(configJson: string, executor: BigUint64Array, wakeFd: Int32Array, error: Buffer): number;
  submit(
    executor: number,
    requestJson: string,
    tokens: Int32Array,
    tokenCount: number,
    requestId: BigUint64Array,
    error: Buffer,
  ): number;
  cancel(executor: number, requestId: number, error: Buffer): number;
  loadLora(executor: number, taskId: number, path: string, error: Buffer): number;
  unloadLora(executor: number, taskId: number, error: Buffer): number;
  drain(
    executor: number,
    buffer: ArrayBuffer,
    capacity: number,
    written: BigUint64Array,
    error: Buffer,
  ): number;
  iterationStats(
    executor: number,
    buffer: Buffer,
    capacity: number,
    length: BigUint64Array,
    error: Buffer,
  ): number;
  requestStats(
    executor: number,
    buffer: Buffer,
    capacity: number,
    length: BigUint64Array,
    error: Buffer,
  ): number;
  kvEvents(executor: number, buffer: Buffer, capacity: number, length: BigUint64Array, error: Buffer): number;
  shutdown(executor: number, error: Buffer): number;
  destroy(executor: number, error: Buffer): number;
  tokenize: Asynchronous<
    [
      executor: number,
      text: Buffer,
      textBytes: number,
      flags: number,
      tokens: Int32Array,
      capacity: number,
      count: BigUint64Array,
      error: Buffer,
    ]
  >;
  tokenPieces(
    executor: number,
    buffer: Buffer,
    capacity: number,
    size: BigUint64Array,
    error: Buffer,
  ): number;
}

export const status = {
  ok: 0,
  invalidArgument: 1,
  invalidHandle: 2,
  engineNotFound: 3,
  engineCorrupt: 4,
  engineIncompatible: 5,
  promptTooLong: 6,
  kvCacheFull: 7,
  queueFull: 8,
  unsupported: 9,
  stopped: 10,
  notReady: 11,
  aborted: 12,
  bufferTooSmall: 13,
  outOfMemory: 14,
  executor: 15,
} as const;

/** Bytes of `trtllm_error`: the code, then TRTLLM_ERROR_MESSAGE_BYTES. */
export const errorBytes = 4 + 1024;

export const tokenizeFlags = { addSpecial: 1, parseSpecial: 2 } as const;

export const recordKind = {
  loadProgress: 1,
  ready: 2,
  loadFailed: 3,
  tokens: 4,
  final: 5,
  error: 6,
  stopped: 7,
  topLogProbs: 8,
  promptLogProbs: 9,
  sequenceEnd: 10,
  lora: 11,
} as const;
