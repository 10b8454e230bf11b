import type { IterationStats } from "@trtllm-node/core";
import type { LLM } from "@trtllm-node/runtime";
import { Gauge, type Registry } from "prom-client";
import { engineLoad } from "../engine-load.ts";
import type { NamedModel } from "./metric-factory.ts";

/** What Triton's TensorRT-LLM backend tells, under its names and labels. */
export function tritonMetrics(registry: Registry, models: readonly NamedModel<LLM>[]): void {
  const gauge = (name: string, help: string, kind: string, values: (llm: LLM) => Record<string, number>) => {
    new Gauge({
      name: `nv_trt_llm_${name}`,
      help,
      labelNames: ["model", "version", kind],
      registers: [registry],
      collect() {
        for (const { name: model, llm } of models) {
          for (const [label, value] of Object.entries(values(llm))) {
            this.set({ model, version: "1", [kind]: label }, value);
          }
        }
      },
    });
  };
  gauge("request_metrics", "Requests.", "request_type", (llm) => {
    const { running, waiting, batch, context, maxBatch } = engineLoad(llm);
    return { active: running, waiting, scheduled: batch, context, max: maxBatch };
  });
  gauge("kv_cache_block_metrics", "Blocks of the KV cache.", "kv_cache_block_type", (llm) => {
    const { total, used, free } = llm.kvCache.stats().blocks;
    return { max: total, free, used, tokens_per: llm.engine.tokensPerBlock, fraction: used / total };
  });
  gauge("inflight_batcher_metrics", "The newest iteration.", "inflight_batcher_specific_metric", (llm) => {
    const sum = sums(llm);
    return {
      generation_requests: engineLoad(llm).generation,
      micro_batch_id: sum(({ inflightBatchingStats: batch }) => batch?.microBatchId),
      total_context_tokens:
        engineLoad(llm).context > 0 ? sum(({ inflightBatchingStats: batch }) => batch?.numCtxTokens) : 0,
    };
  });
  gauge("runtime_memory_metrics", "Bytes in use.", "memory_type", (llm) => {
    const sum = sums(llm);
    return {
      cpu: sum(({ cpuMemUsage }) => cpuMemUsage),
      gpu: sum(({ gpuMemUsage }) => gpuMemUsage),
      pinned: sum(({ pinnedMemUsage }) => pinnedMemUsage),
    };
  });
  gauge("general_metrics", "The newest iteration.", "general_type", (llm) => {
    return { iteration_counter: sums(llm)(({ iter }) => iter), timestamp: Math.floor(Date.now() / 1000) };
  });
}

/** Over the newest iteration of each engine of the model. */
function sums(llm: LLM) {
  const iterations = llm.kvCache.iterations();
  return (value: (iteration: IterationStats) => number | undefined) =>
    iterations.reduce((total, iteration) => total + (value(iteration) ?? 0), 0);
}
