/*
 * trtllm_shim.h - C ABI over tensorrt_llm::executor.
 *
 * The only native header that TypeScript knows. Rules that hold for every function:
 *  - Any thread may call; nothing here blocks on inference. Exceptions: trtllm_executor_destroy
 *    waits for a stop in progress, trtllm_executor_tokenize runs the tokenizer.
 *  - The result is a trtllm_status. When it is not TRTLLM_OK and `error` is not NULL, *error says why.
 *  - No C++ exception and no callback crosses this boundary. Every buffer belongs to the caller.
 *  - Handles are numbers that are never used twice: a destroyed one is TRTLLM_ERR_INVALID_HANDLE.
 *  - Text is UTF-8, integers are in the machine's byte order, times are nanoseconds of the monotonic
 *    clock (CLOCK_MONOTONIC on Linux, the clock behind process.hrtime in Node).
 */
#ifndef TRTLLM_SHIM_H
#define TRTLLM_SHIM_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define TRTLLM_API __declspec(dllexport)
#else
#define TRTLLM_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a signature, a struct or a record in this file changes. */
#define TRTLLM_ABI_VERSION 6u

typedef int32_t trtllm_status;

#define TRTLLM_OK 0
#define TRTLLM_ERR_INVALID_ARGUMENT 1    /* NULL pointer, malformed JSON, unknown key, value out of range */
#define TRTLLM_ERR_INVALID_HANDLE 2      /* executor destroyed, or never created */
/* The next three in a LORA record: the same of an adapter. */
#define TRTLLM_ERR_ENGINE_NOT_FOUND 3    /* no such file or directory, or no engine in it */
#define TRTLLM_ERR_ENGINE_CORRUPT 4      /* truncated, or not an engine at all */
#define TRTLLM_ERR_ENGINE_INCOMPATIBLE 5 /* a sound engine that this executor cannot run */
#define TRTLLM_ERR_PROMPT_TOO_LONG 6     /* prompt and maxTokens exceed the sequence limit */
#define TRTLLM_ERR_KV_CACHE_FULL 7       /* request needs more KV blocks than the whole pool has */
#define TRTLLM_ERR_QUEUE_FULL 8          /* maxQueueSize requests are waiting */
#define TRTLLM_ERR_UNSUPPORTED 9         /* known to TensorRT-LLM, not to this executor */
#define TRTLLM_ERR_STOPPED 10            /* shutdown has begun */
#define TRTLLM_ERR_NOT_READY 11          /* the engine is still loading, or failed to load */
#define TRTLLM_ERR_ABORTED 12            /* load cut short by trtllm_executor_shutdown */
#define TRTLLM_ERR_BUFFER_TOO_SMALL 13   /* the out-count holds what is needed; nothing is lost */
#define TRTLLM_ERR_OUT_OF_MEMORY 14
#define TRTLLM_ERR_EXECUTOR 15           /* the executor failed; the message is its own */

#define TRTLLM_ERROR_MESSAGE_BYTES 1024

typedef struct trtllm_error
{
    trtllm_status code;
    char message[TRTLLM_ERROR_MESSAGE_BYTES]; /* zero-terminated, cut at a character boundary */
} trtllm_error;

/* ---- library ------------------------------------------------------------------------------- */

/* TRTLLM_ABI_VERSION of the compiled library. Call before anything else. */
TRTLLM_API uint32_t trtllm_abi_version(void);

/*
 * Static JSON text, valid while the library is loaded:
 * {"shim": version, "executor": "embedded" | "tensorrt_llm" | "synthetic",
 *  "executorVersion": version, "libraries": [{"name": ..., "version": ...}]}
 */
TRTLLM_API const char * trtllm_library_info(void);

/* ---- executor ------------------------------------------------------------------------------ */

/*
 * Starts loading an engine on a thread of the shim and returns at once.
 * config_json: {"engine": path,
 *   "executor": {"maxBatchSize", "maxBeamWidth", "maxNumTokens", "maxQueueSize", "schedulerPolicy",
 *                "contextChunkingPolicy", "iterStatsMaxIterations", "requestStatsMaxIterations",
 *                "gatherGenerationLogits", and, where TensorRT-LLM is behind, those of docs/configuration.md;
 *                "kvCache": {"maxTokens", "freeGpuMemoryFraction", "hostCacheSize", "enableBlockReuse",
 *                            "enablePartialReuse", "copyOnPartialReuse", "onboardBlocks",
 *                            "secondaryOffloadMinPriority", "eventBufferMaxSize"},
 *                "peftCache": {"maxAdapterSize", "hostCacheSize", "optimalAdapterSize", "deviceCachePercent",
 *                              "numHostModuleLayer", "numDeviceModuleLayer", "numPutWorkers",
 *                              "numEnsureWorkers", "numCopyStreams", "maxPagesPerBlockHost",
 *                              "maxPagesPerBlockDevice"}},
 *   "embedded": {"threads", "maxSequenceTokens", "tokensPerBlock", "speculativeConfig"} or "tensorrt_llm": {"guidedDecodingBackend"}}
 * Only "engine" is required. Unknown keys are errors.
 * wake_fd: receives one end of a non-blocking connection, owned by the caller, to be closed after
 *   trtllm_executor_destroy. Closed earlier, as by the end of a thread that owned it, it abandons the executor: within
 *   a second that stops as by trtllm_executor_shutdown, and is freed. One byte arrives with the first record, and with the first one after each
 *   trtllm_executor_drain that found nothing: whoever keeps draining is not woken.
 * Then TRTLLM_RECORD_LOAD_PROGRESS records arrive, then one of READY or LOAD_FAILED.
 */
TRTLLM_API trtllm_status trtllm_executor_create(
    const char * config_json, uint64_t * executor, int32_t * wake_fd, trtllm_error * error);

/*
 * Enqueues one request. request_json: {"maxTokens", "temperature", "topK", "topP", "topPMin",
 *   "topPDecay", "topPResetId", "minP", "seed", "repetitionPenalty", "presencePenalty",
 *   "frequencyPenalty", "promptIgnoreLength", "noRepeatNgramSize", "minTokens", "endId",
 *   "stopTokenIds": [id], "stopWords": [[id]], "badWords": [[id]], "logitBias": {"id": bias},
 *   "priority", "timeoutMs", "logProbs", "topLogProbs", "promptLogProbs",
 *   "numReturnSequences", "beamWidth", "lengthPenalty", "beamSearchDiversityRate", "earlyStopping",
 *   "cacheSaltId", "kvCacheRetention": {"tokenRanges": [{"start", "end", "priority", "durationMs"}],
 *   "decodePriority", "decodeDurationMs"}, "guided", "loraTaskId"}; only "maxTokens" is required; docs/sampling.md has
 *   each. guided: {"json": true}, {"jsonSchema": text}, {"regex": text} or {"grammar": text};
 *   docs/structured-output.md.
 * temperature 0 or none: greedy. tokens: the prompt, token_count ids.
 * From then on exactly one FINAL or ERROR record will carry *request_id. With numReturnSequences or beamWidth above 1
 * a SEQUENCE_END comes for each sequence before FINAL, save those that end with the whole request for its reason.
 */
TRTLLM_API trtllm_status trtllm_executor_submit(uint64_t executor, const char * request_json, const int32_t * tokens,
    size_t token_count, uint64_t * request_id, trtllm_error * error);

/*
 * Reads a LoRA adapter, which requests then name by "loraTaskId". Returns at once: a record TRTLLM_RECORD_LORA
 * follows. path: a folder with adapter_config.json and adapter_model.safetensors, as Hugging Face PEFT writes
 * them. task_id: the caller's, one never used before with other weights.
 */
TRTLLM_API trtllm_status trtllm_executor_load_lora(
    uint64_t executor, uint64_t task_id, const char * path, trtllm_error * error);

/* New requests cannot name it any more; those that run keep it. An unknown id is TRTLLM_OK. */
TRTLLM_API trtllm_status trtllm_executor_unload_lora(uint64_t executor, uint64_t task_id, trtllm_error * error);

/* Asks for an early end. An id that has ended, or never was, is TRTLLM_OK and does nothing. */
TRTLLM_API trtllm_status trtllm_executor_cancel(uint64_t executor, uint64_t request_id, trtllm_error * error);

/*
 * Moves as many whole records as fit into `buffer` (8-byte aligned). *written: bytes stored; 0 when
 * the queue is empty, from when on the next record writes to the pipe. TRTLLM_ERR_BUFFER_TOO_SMALL: not even the first record fits, *written is its size.
 */
TRTLLM_API trtllm_status trtllm_executor_drain(
    uint64_t executor, uint8_t * buffer, size_t capacity, size_t * written, trtllm_error * error);

/*
 * Iteration statistics since the last call, oldest first: a JSON array of TensorRT-LLM's
 * IterationStats, zero-terminated. *length: bytes without the zero; on
 * TRTLLM_ERR_BUFFER_TOO_SMALL the capacity that is needed.
 */
TRTLLM_API trtllm_status trtllm_executor_iteration_stats(
    uint64_t executor, char * buffer, size_t capacity, size_t * length, trtllm_error * error);

/*
 * The same for RequestStatsPerIteration: {"iter", "requestStats": [RequestStats]}. Empty unless
 * requestStatsMaxIterations is set.
 */
TRTLLM_API trtllm_status trtllm_executor_request_stats(
    uint64_t executor, char * buffer, size_t capacity, size_t * length, trtllm_error * error);

/*
 * The same for TensorRT-LLM's KVCacheEvent: {"eventId", "windowSize", "type"} and, by type,
 *   "created": {"numBlocksPerCacheLevel"}
 *   "stored":  {"parentHash"?, "blocks": [{"blockHash", "tokens", "loraId"?, "cacheLevel", "priority"}]}
 *   "removed": {"blockHashes"}
 *   "updated": {"blockHash", "cacheLevel"?, "priority"?}, each of the two {"oldValue", "newValue"}
 * Hashes and LoRA ids are decimal text. Empty unless kvCache.eventBufferMaxSize is set.
 */
TRTLLM_API trtllm_status trtllm_executor_kv_events(
    uint64_t executor, char * buffer, size_t capacity, size_t * length, trtllm_error * error);

/*
 * Begins the stop and returns at once: new requests are refused, running ones are cancelled (their
 * FINAL records come), a load in progress is aborted. The last record is TRTLLM_RECORD_STOPPED.
 */
TRTLLM_API trtllm_status trtllm_executor_shutdown(uint64_t executor, trtllm_error * error);

/*
 * Frees everything. Stops first, and waits for it, where shutdown was not called. Undrained records
 * are dropped. The handle is invalid afterwards.
 */
TRTLLM_API trtllm_status trtllm_executor_destroy(uint64_t executor, trtllm_error * error);

/* ---- vocabulary of the engine, where it carries one (a GGUF does) ---------------------------- */

#define TRTLLM_TOKENIZE_ADD_SPECIAL 1u   /* put BOS / EOS where the model wants them */
#define TRTLLM_TOKENIZE_PARSE_SPECIAL 2u /* "<|im_start|>" in the text is that token, not its letters */

/* *count: ids written, or needed on TRTLLM_ERR_BUFFER_TOO_SMALL. */
TRTLLM_API trtllm_status trtllm_executor_tokenize(uint64_t executor, const char * text, size_t text_bytes,
    uint32_t flags, int32_t * tokens, size_t capacity, size_t * count, trtllm_error * error);

#define TRTLLM_TOKEN_NORMAL 0
#define TRTLLM_TOKEN_CONTROL 1 /* structure, not text: <|im_end|>, </s> */

/*
 * The bytes of every token in id order: per token uint16 length, uint8 TRTLLM_TOKEN_*, then the bytes,
 * without padding. *size: bytes written, or needed on TRTLLM_ERR_BUFFER_TOO_SMALL.
 */
TRTLLM_API trtllm_status trtllm_executor_token_pieces(
    uint64_t executor, uint8_t * buffer, size_t capacity, size_t * size, trtllm_error * error);

/* ---- records --------------------------------------------------------------------------------- */

#define TRTLLM_RECORD_LOAD_PROGRESS 1 /* payload: float, 0 to 1 */
#define TRTLLM_RECORD_READY 2         /* payload: JSON text of `count` bytes, see docs/architecture.md */
#define TRTLLM_RECORD_LOAD_FAILED 3   /* payload: trtllm_status, then text of `count` bytes */
#define TRTLLM_RECORD_TOKENS 4        /* payload: int32[count], then float[count] where LOG_PROBS is set */
#define TRTLLM_RECORD_FINAL 5         /* payload: trtllm_final */
#define TRTLLM_RECORD_ERROR 6         /* payload: trtllm_status, then text of `count` bytes; ends its request */
#define TRTLLM_RECORD_STOPPED 7       /* no payload; nothing follows */
/*
 * The most likely tokens and their log-probabilities, best first, for the next `count` tokens of the
 * sequence, which come in a later record, or with the flag PROMPT for the prompt's tokens.
 * payload: uint32 alternatives a token, then their int32 ids, then their floats; where there are fewer,
 * id -1 and NaN.
 */
#define TRTLLM_RECORD_TOP_LOG_PROBS 8
#define TRTLLM_RECORD_PROMPT_LOG_PROBS 9 /* payload: float[count], of the prompt's tokens; NaN for the first */
/*
 * One of several sequences has ended, and gets no more tokens.
 * payload: float, its cumulative log-probability; NaN where it is not known.
 */
#define TRTLLM_RECORD_SEQUENCE_END 10

#define TRTLLM_RECORD_LORA 11 /* payload as LOAD_FAILED's; request_id: the adapter's task id; TRTLLM_OK: it is loaded */

#define TRTLLM_RECORD_FLAG_LOG_PROBS 1u
#define TRTLLM_RECORD_FLAG_PROMPT 2u

/* tensorrt_llm::executor::FinishReason */
#define TRTLLM_FINISH_NOT_FINISHED 0
#define TRTLLM_FINISH_END_ID 1
#define TRTLLM_FINISH_STOP_WORDS 2
#define TRTLLM_FINISH_LENGTH 3
#define TRTLLM_FINISH_TIMED_OUT 4
#define TRTLLM_FINISH_CANCELLED 5

typedef struct trtllm_record
{
    uint32_t size;          /* of header and payload, a multiple of 8 */
    uint16_t kind;          /* TRTLLM_RECORD_* */
    uint8_t finish_reason;  /* FINAL and SEQUENCE_END only */
    uint8_t flags;          /* TRTLLM_RECORD_FLAG_* */
    uint64_t request_id;    /* 0: about the executor itself */
    uint64_t time_ns;       /* when the shim received it */
    uint32_t sequence_index; /* which of several sequences of one request */
    uint32_t count;
} trtllm_record;

typedef struct trtllm_final
{
    uint64_t arrival_ns;         /* enqueued; the times are 0 where that point was never reached */
    uint64_t first_scheduled_ns; /* first forward pass began */
    uint64_t first_token_ns;
    uint64_t last_token_ns;
    uint32_t kv_blocks_allocated; /* over the request's life */
    uint32_t kv_blocks_new;
    uint32_t kv_blocks_reused;    /* found in the cache */
    uint32_t kv_blocks_missed;
    uint32_t draft_tokens;          /* guessed and checked, over the request's life */
    uint32_t accepted_draft_tokens; /* of them, those that the model chose too */
} trtllm_final;

#ifdef __cplusplus
}
#endif

#endif /* TRTLLM_SHIM_H */
