import type { LLM } from "@trtllm-node/runtime";
import { Registry } from "prom-client";
import { engineMetrics } from "./engine-metrics.ts";
import { MetricFactory } from "./metric-factory.ts";
import { requestMetrics } from "./request-metrics.ts";
import { tritonMetrics } from "./triton-metrics.ts";

export interface PrometheusOptions {
  /** Of the names; "vllm:" and "" give those of vLLM and NIM. Triton's keep theirs. Default: "trtllm_". */
  readonly prefix?: string | undefined;
  /** Where the metrics are registered. Default: one of their own. */
  readonly registry?: Registry | undefined;
}

/** Prometheus metrics of models, under the names that TensorRT-LLM, vLLM, NIM and Triton give them. */
export class PrometheusMetrics {
  readonly registry: Registry;
  readonly #ends: (() => void)[];

  /** Counts from now on. @param models by the value that their label `model_name` is to have */
  constructor(models: Readonly<Record<string, LLM>>, options: PrometheusOptions = {}) {
    const { prefix = "trtllm_", registry = new Registry() } = options;
    this.registry = registry;
    const make = new MetricFactory(registry, prefix);
    const named = Object.entries(models).map(([name, llm]) => ({ name, llm }));
    const ended = requestMetrics(make);
    const iterated = engineMetrics(make, named);
    tritonMetrics(registry, named);
    this.#ends = named.flatMap(({ name, llm }) => [
      llm.trace(() => (end) => ended(name, end)),
      llm.kvCache.onIteration((iteration) => iterated(name, iteration)),
      // An executor keeps so many iterations only.
      llm.kvCache.watch(),
    ]);
  }

  /** For the header `content-type` of a response with `text`. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  /** Ends the observation of the models. */
  close(): void {
    for (const end of this.#ends) end();
  }
}
