import type { IterationStats } from "@trtllm-node/core";
import type { LLM } from "@trtllm-node/runtime";
import { engineLoad } from "../engine-load.ts";
import type { MetricFactory, NamedModel } from "./metric-factory.ts";

const iterationBuckets = [
  0.001, 0.0025, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
// vLLM's.
const tokenBuckets = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384];

/** The load of the engines and their KV caches. @returns is to be told each iteration */
export function engineMetrics(
  make: MetricFactory,
  models: readonly NamedModel<LLM>[],
): (model: string, iteration: IterationStats) => void {
  load(make, models);
  kvCache(make, models);
  const latency = make.histogram("iteration_latency_seconds", "Time of an iteration.", iterationBuckets);
  const tokens = make.histogram("iteration_tokens_total", "Tokens computed in an iteration.", tokenBuckets);
  const preemptions = make.counter("num_preemptions_total", "Requests paused for want of KV blocks.");
  make.countOf(
    "kv_cache_evicted_blocks_total",
    "KV blocks whose content left for others.",
    models,
    ({ kvCache }) => {
      return kvCache.stats().evictedBlocks;
    },
  );
  return (model_name, { iterLatencyMS, inflightBatchingStats: batch }) => {
    const labels = { model_name };
    latency.observe(labels, iterLatencyMS / 1000);
    if (batch === undefined) return;
    tokens.observe(labels, batch.numCtxTokens + batch.numGenRequests);
    preemptions.inc(labels, batch.numPausedRequests);
  };
}

function load(make: MetricFactory, models: readonly NamedModel<LLM>[]): void {
  make.gauge("num_requests_running", "Requests that run.", models, (llm) => engineLoad(llm).running);
  make.gauge(
    "num_requests_waiting",
    "Requests that wait for a place.",
    models,
    (llm) => engineLoad(llm).waiting,
  );
  make.gauge(
    "batch_size",
    "Requests computed in the newest iteration.",
    models,
    (llm) => engineLoad(llm).batch,
  );
  make.gauge("num_context_requests", "Of them, those whose prompt is computed.", models, (llm) => {
    return engineLoad(llm).context;
  });
  make.gauge("num_generation_requests", "Of them, those that get a token.", models, (llm) => {
    return engineLoad(llm).generation;
  });
  make.gauge("num_paused_requests", "Requests paused in the newest iteration.", models, (llm) => {
    return engineLoad(llm).paused;
  });
  // TensorRT-LLM's and NIM's name of one thing.
  for (const name of ["max_num_active_requests", "num_request_max"]) {
    make.gauge(name, "Most requests that run at once.", models, (llm) => engineLoad(llm).maxBatch);
  }
  make.gauge(
    "gpu_memory_usage_bytes",
    "Memory in use on the GPU, as the executor counts it.",
    models,
    (llm) => {
      return engineLoad(llm).gpuBytes;
    },
  );
}

function kvCache(make: MetricFactory, models: readonly NamedModel<LLM>[]): void {
  const kv = ({ kvCache }: LLM) => kvCache.stats();
  const gauge = (name: string, help: string, value: (llm: LLM) => number) =>
    make.gauge(name, help, models, value);
  // TensorRT-LLM's, vLLM's and NIM's name of one thing.
  for (const name of ["kv_cache_utilization", "kv_cache_usage_perc", "gpu_cache_usage_perc"]) {
    gauge(name, "Part of the KV cache in use, 0 to 1.", (llm) => kv(llm).blocks.used / kv(llm).blocks.total);
  }
  gauge("kv_cache_hit_rate", "Part of the prompts' blocks found in the KV cache.", (llm) => kv(llm).hitRate);
  gauge("kv_cache_max_blocks", "Blocks of the KV cache.", (llm) => kv(llm).blocks.total);
  gauge("kv_cache_used_blocks", "Blocks in use.", (llm) => kv(llm).blocks.used);
  gauge("kv_cache_free_blocks", "Free blocks.", (llm) => kv(llm).blocks.free);
  gauge("kv_cache_tokens_per_block", "Tokens of a block.", ({ engine }) => engine.tokensPerBlock);
  gauge("kv_cache_used_bytes", "Bytes of the blocks in use.", (llm) => kv(llm).bytes.used);
  gauge("kv_cache_cached_blocks", "Blocks that can be reused; 0 where KV events are off.", (llm) => {
    return kv(llm).cached?.device ?? 0;
  });
  gauge("kv_cache_host_used_blocks", "Blocks in host memory; 0 where KV events are off.", (llm) => {
    return kv(llm).cached?.host ?? 0;
  });
  gauge("kv_cache_host_max_blocks", "Blocks of the host's pool; 0 where KV events are off.", (llm) => {
    return kv(llm).cached?.hostTotal ?? 0;
  });
}
