import { z } from "zod";

const count = z.int32().min(1);
const natural = z.int32().min(0);
const bytes = z.int().min(0);

/** A field of TensorRT-LLM's that cannot be given here, and why. */
function notOffered(reason: string) {
  return z.never({ error: reason }).optional();
}

const orchestrator = z.strictObject({
  /** Program that runs a rank. Default: `bin/executorWorker` of the tensorrt_llm package. */
  workerExecutablePath: z.string().min(1).optional(),
  /** The ranks are spawned with MPI_Comm_spawn. */
  spawnProcesses: z
    .literal(true, { error: 'To have the ranks started by mpirun, set parallel.mode to "leader"' })
    .optional(),
});

/** TensorRT-LLM's ParallelConfig: over which GPUs and processes an engine is spread. Default: the leader mode, each rank on the GPU of its local number. */
const parallel = z.strictObject({
  /**
   * "leader": one process a rank, started by mpirun; rank 0 takes requests. "orchestrator": one process starts the
   * ranks itself, which costs KV events, and needs Open MPI 4. Default: "leader".
   */
  mode: z.enum(["leader", "orchestrator"]).optional(),
  /** GPUs by number, one a rank of a node: as many as ranks / `numNodes`. Default: 0, 1, … */
  deviceIds: z.array(natural).min(1).optional(),
  /** MPI ranks that take part, the first leads; as many as the engine has ranks. Default: all. */
  participantIds: z.array(natural).min(1).optional(),
  /** Machines; at least 1. Default: 1. */
  numNodes: count.optional(),
  /** With mode "orchestrator" only. */
  orchestrator: orchestrator.optional(),
});

/** TensorRT-LLM's DynamicBatchConfig: sizes that follow the lengths of recent requests. Default: off. */
const dynamicBatch = z.strictObject({
  /** Tune the batch size. Default: false. */
  enableBatchSizeTuning: z.boolean().optional(),
  /** Tune the tokens of an iteration. Default: false. */
  enableMaxNumTokensTuning: z.boolean().optional(),
  /** Requests that the moving average of lengths covers; at least 1. Default: 128. */
  movingAverageWindow: count.optional(),
  /** Pairs of [limit, batch size]: below the limit of what fits, that batch size is taken. Default: TensorRT-LLM's own table. */
  batchSizeTable: z.array(z.tuple([count, count])).optional(),
});

/** TensorRT-LLM's ExtendedRuntimePerfKnobConfig. */
const extendedRuntimePerfKnob = z.strictObject({
  /** Split the attention of long sequences over blocks of threads. Default: true. */
  multiBlockMode: z.boolean().optional(),
  /** Accumulate the attention of prompts in 32 bits. Default: false. */
  enableContextFMHAFP32Acc: z.boolean().optional(),
  /** Replay generation steps as CUDA graphs. Default: false. */
  cudaGraphMode: z.boolean().optional(),
  /** CUDA graphs that are kept; each takes GPU memory. Default: 0. */
  cudaGraphCacheSize: natural.optional(),
});

/** TensorRT-LLM's DebugConfig: tensors that each iteration writes to files. Default: none. */
const debug = z.strictObject({
  /** Every input. Default: false. */
  debugInputTensors: z.boolean().optional(),
  /** Every output. Default: false. */
  debugOutputTensors: z.boolean().optional(),
  /** Only these, where any is named. */
  debugTensorNames: z.array(z.string().min(1)).optional(),
  debugTensorsMaxIterations: notOffered(
    "Debug tensors can be written to files only: leave it out, which is 0 to TensorRT-LLM",
  ),
});

/** TensorRT-LLM's CacheTransceiverConfig: how KV blocks go from one executor to another. Default: not at all. */
const cacheTransceiver = z.strictObject({
  /** Default: what TensorRT-LLM chooses. */
  backendType: z.enum(["DEFAULT", "MPI", "UCX", "NIXL"]).optional(),
  /** Tokens that its buffer holds; at least 1. Default: TensorRT-LLM's. */
  maxTokensInBuffer: count.optional(),
  /** Milliseconds that a transfer may take; at least 1. Default: no limit. */
  kvTransferTimeoutMs: count.optional(),
});

/** Fields of TensorRT-LLM's ExecutorConfig that only TensorRT-LLM has; others refuse them by name. */
export const tensorrtLlmOptions = {
  /** Compute long prompts in pieces; false: a prompt must fit `maxNumTokens`. Default: true. */
  enableChunkedContext: z.boolean().optional(),
  /** Log-probabilities among the tokens that sampling left, instead of among the whole vocabulary. Default: false. */
  normalizeLogProbs: z.boolean().optional(),
  dynamicBatch: dynamicBatch.optional(),
  parallel: parallel.optional(),
  /** Read engine files with GPUDirect Storage. Default: false. */
  useGpuDirectStorage: z.boolean().optional(),
  /** Share of the weights that stays on the GPU, 0 to 1; needs an engine built with weight streaming. Default: 1. */
  gpuWeightsPercent: z.number().min(0).max(1).optional(),
  extendedRuntimePerfKnob: extendedRuntimePerfKnob.optional(),
  debug: debug.optional(),
  /** Milliseconds between looks for messages in orchestrator mode; 0 looks all the time. Default: 0. */
  recvPollPeriodMs: natural.optional(),
  /** Microseconds after which a scheduled request that makes no progress is ended; at least 1. Default: 180,000,000. */
  maxSeqIdleMicroseconds: count.optional(),
  cacheTransceiver: cacheTransceiver.optional(),
  /** Keep prompt embedding tables in host memory. Default: false. */
  promptTableOffloading: z.boolean().optional(),
  /** Prepare a step while the one before runs. Default: false. */
  enableTrtOverlap: z.boolean().optional(),
  /** Refuse an attention window that does not fit one sequence into the KV cache, instead of shrinking it. Default: false. */
  failFastOnAttentionWindowTooLarge: z.boolean().optional(),
  batchingType: notOffered('Batching is in-flight; for static batches set schedulerPolicy to "STATIC_BATCH"'),
  logitsPostProcessorConfig: notOffered(
    "A logits post-processor is C++ code on the GPU's stream, which no option can hold",
  ),
  additionalModelOutputs: notOffered("Only tokens and their log-probabilities are delivered"),
};

/** Likewise, of its KvCacheConfig. */
export const tensorrtLlmKvCacheOptions = {
  /** Tokens of a sequence that each layer keeps, the latest ones; repeated over the layers. Default: the engine's. */
  maxAttentionWindow: z.array(count).min(1).optional(),
  /** First tokens of a sequence that stay in the window; at least 1. Default: none. */
  sinkTokenLength: count.optional(),
  /** Share of the KV cache for cross attention, above 0 and below 1; of encoder-decoder models only. Default: 0.5. */
  crossKvCacheFraction: z.number().gt(0).lt(1).optional(),
  /** Take unified memory. Default: false. */
  useUvm: z.boolean().optional(),
  /** Milliseconds between gathers of KV events over attention-parallel ranks; at least 1. Default: 5. */
  attentionDpEventsGatherPeriodMs: count.optional(),
  /** Most bytes of GPU memory; with other limits the smallest counts; 0: no limit. Default: 0. */
  maxGpuTotalBytes: bytes.optional(),
};

/** What only our library over TensorRT-LLM knows. */
export const tensorrtLlmBackend = z.strictObject({
  /** What checks grammars: XGRAMMAR or LLGUIDANCE; needs `tokenizer.json` beside the engine. Default: XGRAMMAR. */
  guidedDecodingBackend: z.enum(["XGRAMMAR", "LLGUIDANCE"]).optional(),
});
