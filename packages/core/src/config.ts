import { resolve } from "node:path";
import { z } from "zod";
import { ConfigError } from "./errors.ts";
import { problems } from "./schema.ts";
import { resolved, speculativeConfig } from "./speculative-config.ts";
import { tensorrtLlmBackend, tensorrtLlmKvCacheOptions, tensorrtLlmOptions } from "./tensorrt-llm-options.ts";

const count = z.int32().min(1);
const natural = z.int32().min(0);
const priority = z.int32().min(0).max(100);

/** A strict schema, so that a misspelled option is an error and not a silent default. */
const schema = z.strictObject({
  /** Most requests running at once; at least 1. Default: the engine's, else 8. */
  maxBatchSize: count.optional(),
  /**
   * Most beams of a request; at least 1. TensorRT-LLM needs an engine built with max_beam_width; above 1 the scheduler
   * policy cannot be MAX_UTILIZATION. Default: 1.
   */
  maxBeamWidth: count.optional(),
  /** Most tokens computed in one iteration; at least `maxBatchSize`. Default: the engine's, else `maxBatchSize` and 256 (CPU) or 2048 (GPU) tokens of prompts. */
  maxNumTokens: count.optional(),
  /** Most requests waiting; the next is refused with QueueFullError. At least 1. Default: 1024. */
  maxQueueSize: count.optional(),
  /**
   * Let requests ask for `topLogProbs`. TensorRT-LLM keeps a buffer of about 8 x maxBatchSize x vocabulary floats for
   * it. Default: true.
   */
  gatherGenerationLogits: z.boolean().optional(),
  /**
   * Which requests are let in. GUARANTEED_NO_EVICT: those whose prompt and answer surely fit the KV cache.
   * MAX_UTILIZATION: as many as there are places; some are paused and go on later. STATIC_BATCH: none while others
   * run. Default: GUARANTEED_NO_EVICT.
   */
  schedulerPolicy: z.enum(["GUARANTEED_NO_EVICT", "MAX_UTILIZATION", "STATIC_BATCH"]).optional(),
  /**
   * How prompts share an iteration: the oldest takes what is left of `maxNumTokens`, or all advance by a block in
   * turns. Default: FIRST_COME_FIRST_SERVED.
   */
  contextChunkingPolicy: z.enum(["FIRST_COME_FIRST_SERVED", "EQUAL_PROGRESS"]).optional(),
  /** Iterations that `iterationStats` keeps; 0 keeps none. Default: 1000. */
  iterStatsMaxIterations: natural.optional(),
  /** Iterations that `requestStats` keeps; 0 keeps none. Default: 0. */
  requestStatsMaxIterations: natural.optional(),
  kvCache: z
    .strictObject({
      /** Tokens that the KV cache holds for all requests together; at least 1. Default: `maxBatchSize` whole sequences. */
      maxTokens: count.optional(),
      /** Keep blocks of ended requests and reuse them for prompts with the same beginning. Default: true. */
      enableBlockReuse: z.boolean().optional(),
      /**
       * Share of the free memory that the KV cache may take, above 0 and below 1: of the GPU, or, where the
       * embedded executor computes on the CPU, of the machine's at load. With `maxTokens` the smaller one counts.
       */
      freeGpuMemoryFraction: z.number().gt(0).lt(1).optional(),
      /** Bytes of a second pool in host memory, for blocks that leave the first. Default: 0. */
      hostCacheSize: z.int().min(0).optional(),
      /** Also reuse a block of which only the beginning fits. Default: true. */
      enablePartialReuse: z.boolean().optional(),
      /** Copy such a block where another request uses it or another block follows it. Default: true. */
      copyOnPartialReuse: z.boolean().optional(),
      /** Bring blocks of the host's pool back when they are reused; false: the host's pool is not used. Default: true. */
      onboardBlocks: z.boolean().optional(),
      /** Blocks of a lower retention priority do not go to the host's pool; 0 to 100. Default: 30. */
      secondaryOffloadMinPriority: priority.optional(),
      /** Events that `kvEvents` keeps, the oldest are dropped beyond it; 0 keeps none. Default: 0. */
      eventBufferMaxSize: natural.optional(),
      ...tensorrtLlmKvCacheOptions,
    })
    .optional(),
  /** The cache of LoRA adapters, as TensorRT-LLM's PeftCacheConfig. */
  peftCache: z
    .strictObject({
      /** Highest rank of an adapter; at least 1, and what a TensorRT engine was built for at most. Default: 64. */
      maxAdapterSize: count.optional(),
      /** Bytes of adapters in host memory, which is where the embedded executor computes with them. Default: 1 GiB. */
      hostCacheSize: z.int().min(0).optional(),
      /** TensorRT-LLM only, as all below: the rank that a page of the cache is made for. Default: 8. */
      optimalAdapterSize: count.optional(),
      /** Share of the free GPU memory for adapters in use, above 0 and below 1. Default: the release's, 0.02 or 0.05. */
      deviceCachePercent: z.number().gt(0).lt(1).optional(),
      /** Size of the host's cache in matrices of rank 1, instead of `hostCacheSize`; 0: by that. Default: 0. */
      numHostModuleLayer: natural.optional(),
      /** Size of the GPU's cache in matrices of rank 1, instead of `deviceCachePercent`; 0: by that. Default: 0. */
      numDeviceModuleLayer: natural.optional(),
      /** Threads that put adapters into the host's cache. Default: 1. */
      numPutWorkers: count.optional(),
      /** Threads that copy them to the GPU. Default: 1. */
      numEnsureWorkers: count.optional(),
      /** CUDA streams that they do it with. Default: 1. */
      numCopyStreams: count.optional(),
      /** Pages that are allocated at once in host memory. Default: 24. */
      maxPagesPerBlockHost: count.optional(),
      /** Pages that are allocated at once in GPU memory. Default: 8. */
      maxPagesPerBlockDevice: count.optional(),
    })
    .optional(),
  /**
   * "process": the executor lives in a process of its own, so that its crash ends requests and not the application.
   * Default: "process" for TensorRT engines, else "none".
   */
  isolation: z.enum(["none", "process"]).optional(),
  /** How that process is watched; with `isolation: "process"` only. */
  host: z
    .strictObject({
      /** Milliseconds without a sign of life while requests run, after which it is ended. Default: 60,000. */
      stallTimeoutMs: count.optional(),
      /** Crashes within `crashWindowMs` after which it stays down; 0: it is never restarted. Default: 5. */
      maxCrashes: z.int32().min(0).optional(),
      /** Default: 60,000. */
      crashWindowMs: count.optional(),
      /** Milliseconds before the first restart; doubled by each further crash in the window. Default: 100. */
      backoffMs: count.optional(),
      /** Default: 10,000. */
      maxBackoffMs: count.optional(),
      /**
       * Program that starts the processes of an engine of several ranks, and its first arguments, such as a host file;
       * their number follows from the engine. Default: ["mpirun"].
       */
      mpirun: z.array(z.string().min(1)).min(1).optional(),
    })
    .optional(),
  ...tensorrtLlmOptions,
  /** What only the library over TensorRT-LLM knows; others refuse it. */
  tensorrtLlm: tensorrtLlmBackend.optional(),
  /** What only the embedded executor knows; TensorRT-LLM refuses it. */
  embedded: z
    .strictObject({
      /**
       * The library that computes. "openvino": x86 CPUs, real paged attention, OpenVINO IR or a GGUF. "llama.cpp": a GGUF
       * on any device. Default "auto": OpenVINO for a directory with its IR, but llama.cpp where the directory has a whole
       * GGUF too and OpenVINO is missing, a GPU is there, or `maxBatchSize` is 1.
       */
      runner: z.enum(["auto", "llama.cpp", "openvino"]).optional(),
      /** CPU threads of the computation; at least 1. Default: one per core. */
      threads: count.optional(),
      /** Most tokens of prompt and answer together; at least 1. Default: the engine's, else 2048 or what the model allows. */
      maxSequenceTokens: count.optional(),
      /** Tokens per KV block; at least 1. Default: the engine's, else 32, which is what the OpenVINO runner has. */
      tokensPerBlock: count.optional(),
      /**
       * How the OpenVINO runner keeps keys and values: as it computes (bf16, or f32 where the CPU has no bf16), or rounded
       * to 8 or 4 bits. Default: "u8". llama.cpp keeps them in f16.
       */
      kvCachePrecision: z.enum(["native", "u8", "u4"]).optional(),
      /** Guess tokens and check several in one step: docs/speculative-decoding.md. Default: off. */
      speculativeConfig: speculativeConfig.optional(),
    })
    .optional(),
});

export interface ExecutorOptions extends z.input<typeof schema> {
  /**
   * LoRA adapters to load with the engine: folders of PEFT checkpoints by the names that requests give. They come
   * beside those in the engine's folder `lora`, each of which has its folder's name.
   */
  readonly lora?: Readonly<Record<string, string>> | undefined;
  /** Aborting it ends the load: everything is freed and `Executor.create` rejects with AbortedError. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the part of the engine that is loaded, 0 to 1. What it throws ends the load. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
  /** File of the native library. Default: environment variable TRTLLM_NODE_LIBRARY, then the platform's package, then the workspace's build. */
  readonly libraryPath?: string | undefined;
}

/**
 * The document for `trtllm_executor_create`.
 * @throws ConfigError
 */
export function executorConfig(path: string, options: z.input<typeof schema>): string {
  if (typeof path !== "string" || path === "") {
    throw new ConfigError(
      `The engine path is ${JSON.stringify(path)}. Give the path of an engine file or directory.`,
    );
  }
  const wrong = problems(schema, options);
  if (wrong.length > 0) throw new ConfigError(wrong.join(" "));
  const { embedded, tensorrtLlm, isolation: _isolation, host: _host, ...executor } = options;
  return JSON.stringify({
    engine: resolve(path),
    executor,
    embedded: embedded && resolved(embedded),
    tensorrt_llm: tensorrtLlm,
  });
}
