import type { RequestOutcome, RequestRecord } from "@trtllm-node/runtime";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ServedModel } from "../served-models.ts";

// TensorRT-LLM's buckets, which are OpenTelemetry's and more.
const firstTokenBuckets = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
  2560,
];
const tokenBuckets = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];
const requestBuckets = [
  0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
];

const labelNames = ["model_name"] as const;

/** Of a request that ended, as vLLM and TensorRT-LLM call it. */
const finishedReasons: Partial<Record<RequestOutcome, string>> = {
  end: "stop",
  stop: "stop",
  length: "length",
  "timed-out": "timeout",
  cancelled: "abort",
  aborted: "abort",
};

/** Prometheus metrics of the served models, under the names that TensorRT-LLM, vLLM and NIM give them. */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #ends: (() => void)[];
  readonly #prefix: string;

  constructor(models: readonly ServedModel[], prefix: string) {
    this.#prefix = prefix;
    const observe = this.#requestMetrics();
    this.#ends = models.map(({ name, llm }) => llm.observe((record) => observe(name, record)));
    this.#load(models);
    this.#kvCache(models);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Ends the observation of the models. */
  close(): void {
    for (const end of this.#ends) end();
  }

  #requestMetrics(): (model: string, record: RequestRecord) => void {
    const promptTokens = this.#counter("prompt_tokens_total", "Tokens of prompts.");
    const cachedTokens = this.#counter(
      "prompt_cached_tokens_total",
      "Tokens of prompts found in the KV cache.",
    );
    const tokens = this.#counter("generation_tokens_total", "Generated tokens.");
    const errors = this.#counter("request_error_total", "Requests that failed.");
    const success = new Counter({
      ...this.#named("request_success_total", "Requests that ended, by reason."),
      labelNames: [...labelNames, "finished_reason"],
    });
    const queue = this.#histogram(
      "request_queue_time_seconds",
      "Time until the first computation.",
      requestBuckets,
    );
    const firstToken = this.#histogram(
      "time_to_first_token_seconds",
      "Time to the first token.",
      firstTokenBuckets,
    );
    const perToken = this.#histogram(
      "time_per_output_token_seconds",
      "Mean time between the tokens of a request.",
      tokenBuckets,
    );
    const interToken = this.#histogram(
      "inter_token_latency_seconds",
      "Time between two tokens.",
      tokenBuckets,
    );
    const total = this.#histogram(
      "e2e_request_latency_seconds",
      "Time to the end of a request.",
      requestBuckets,
    );
    return (model_name, { outcome, timings, ...record }) => {
      const labels = { model_name };
      promptTokens.inc(labels, record.promptTokens);
      cachedTokens.inc(labels, record.cachedPromptTokens);
      tokens.inc(labels, record.completionTokens);
      const finished_reason = finishedReasons[outcome];
      if (finished_reason === undefined) errors.inc(labels);
      else success.inc({ ...labels, finished_reason });
      if (timings === undefined) return;
      queue.observe(labels, timings.queueMs / 1000);
      const { timeToFirstTokenMs, interTokenMs } = timings;
      if (timeToFirstTokenMs !== undefined) firstToken.observe(labels, timeToFirstTokenMs / 1000);
      if (interTokenMs !== undefined) perToken.observe(labels, interTokenMs / 1000);
      for (const latency of timings.interTokenLatenciesMs) interToken.observe(labels, latency / 1000);
      total.observe(labels, timings.totalMs / 1000);
    };
  }

  #load(models: readonly ServedModel[]): void {
    const active = ({ llm }: ServedModel) => llm.metrics().requests.active;
    const running = (model: ServedModel) => Math.min(active(model), model.llm.engine.maxBatchSize);
    const estimated = "Estimated: requests beyond the engine's batch size count as waiting.";
    this.#gauge("num_requests_running", `Requests that run. ${estimated}`, models, running);
    this.#gauge("num_requests_waiting", `Requests that wait. ${estimated}`, models, (model) => {
      return active(model) - running(model);
    });
    for (const name of ["max_num_active_requests", "num_request_max"]) {
      this.#gauge(name, "Most requests that run at once.", models, ({ llm }) => llm.engine.maxBatchSize);
    }
  }

  #kvCache(models: readonly ServedModel[]): void {
    const blocks = ({ llm }: ServedModel) => llm.kvCache.stats().blocks;
    const usage = (model: ServedModel) => blocks(model).used / blocks(model).total;
    // TensorRT-LLM's, vLLM's and NIM's name of one thing.
    for (const name of ["kv_cache_utilization", "kv_cache_usage_perc", "gpu_cache_usage_perc"]) {
      this.#gauge(name, "Part of the KV cache in use, 0 to 1.", models, usage);
    }
    this.#gauge(
      "kv_cache_hit_rate",
      "Part of the prompts' blocks found in the KV cache.",
      models,
      ({ llm }) => {
        return llm.kvCache.stats().hitRate;
      },
    );
    this.#gauge("kv_cache_max_blocks", "Blocks of the KV cache.", models, (model) => blocks(model).total);
    this.#gauge("kv_cache_used_blocks", "Blocks in use.", models, (model) => blocks(model).used);
    this.#gauge("kv_cache_free_blocks", "Free blocks.", models, (model) => blocks(model).free);
    this.#gauge(
      "kv_cache_tokens_per_block",
      "Tokens of a block.",
      models,
      ({ llm }) => llm.engine.tokensPerBlock,
    );
  }

  #named(name: string, help: string) {
    return { name: this.#prefix + name, help, registers: [this.#registry] };
  }

  #counter(name: string, help: string): Counter<"model_name"> {
    return new Counter({ ...this.#named(name, help), labelNames });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram<"model_name"> {
    return new Histogram({ ...this.#named(name, help), labelNames, buckets });
  }

  #gauge(
    name: string,
    help: string,
    models: readonly ServedModel[],
    value: (model: ServedModel) => number,
  ): void {
    new Gauge({
      ...this.#named(name, help),
      labelNames,
      collect() {
        for (const model of models) this.set({ model_name: model.name }, value(model));
      },
    });
  }
}
