import { TrtllmError } from "@trtllm-node/core";
import type { RequestEnd, RequestOutcome } from "@trtllm-node/runtime";
import type { MetricFactory } from "./metric-factory.ts";

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
// vLLM's.
const countBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

/** Of a request that ended, as vLLM and TensorRT-LLM call it. */
const finishedReasons: Partial<Record<RequestOutcome, string>> = {
  end: "stop",
  stop: "stop",
  length: "length",
  "timed-out": "timeout",
  cancelled: "abort",
  aborted: "abort",
};

/** Counts and times requests as they end. */
export function requestMetrics(make: MetricFactory): (model: string, end: RequestEnd) => void {
  const promptTokens = make.counter("prompt_tokens_total", "Tokens of prompts.");
  const cachedTokens = make.counter("prompt_cached_tokens_total", "Tokens of prompts found in the KV cache.");
  const queries = make.counter("prefix_cache_queries_total", "Tokens of prompts looked up in the KV cache.");
  const hits = make.counter("prefix_cache_hits_total", "Tokens of prompts found in the KV cache.");
  const tokens = make.counter("generation_tokens_total", "Generated tokens.");
  const errors = make.counter(
    "request_error_total",
    "Requests that failed or were refused, by error code.",
    "code",
  );
  const success = make.counter("request_success_total", "Requests that ended, by reason.", "finished_reason");
  const perRequest = (name: string, help: string) => make.histogram(name, help, requestBuckets);
  const queue = perRequest("request_queue_time_seconds", "Time until the first computation.");
  const prefill = perRequest(
    "request_prefill_time_seconds",
    "Time from the first computation to the first token.",
  );
  const decode = perRequest("request_decode_time_seconds", "Time from the first token to the last.");
  const inference = perRequest(
    "request_inference_time_seconds",
    "Time from the first computation to the end.",
  );
  const total = perRequest("e2e_request_latency_seconds", "Time to the end of a request.");
  const firstToken = make.histogram(
    "time_to_first_token_seconds",
    "Time to the first token.",
    firstTokenBuckets,
  );
  const perToken = make.histogram(
    "time_per_output_token_seconds",
    "Mean time between the tokens of a request.",
    tokenBuckets,
  );
  const interToken = make.histogram("inter_token_latency_seconds", "Time between two tokens.", tokenBuckets);
  const promptLength = make.histogram("request_prompt_tokens", "Tokens of a prompt.", countBuckets);
  const answerLength = make.histogram("request_generation_tokens", "Tokens of an answer.", countBuckets);

  return (model_name, end) => {
    const labels = { model_name };
    const finished_reason = end.outcome === "refused" ? undefined : finishedReasons[end.outcome];
    if (finished_reason === undefined) errors.inc({ ...labels, code: errorCode(end.error) });
    else success.inc({ ...labels, finished_reason });
    if (end.outcome === "refused") return;
    const { timings, completionTokens } = end;
    promptTokens.inc(labels, end.promptTokens);
    tokens.inc(labels, completionTokens);
    cachedTokens.inc(labels, end.cachedPromptTokens);
    hits.inc(labels, end.cachedPromptTokens);
    queries.inc(labels, end.promptTokens);
    if (timings === undefined) return;
    promptLength.observe(labels, end.promptTokens);
    answerLength.observe(labels, completionTokens);
    const { queueMs, timeToFirstTokenMs, interTokenMs, totalMs } = timings;
    queue.observe(labels, queueMs / 1000);
    inference.observe(labels, (totalMs - queueMs) / 1000);
    total.observe(labels, totalMs / 1000);
    if (timeToFirstTokenMs !== undefined) {
      firstToken.observe(labels, timeToFirstTokenMs / 1000);
      prefill.observe(labels, (timeToFirstTokenMs - queueMs) / 1000);
      decode.observe(labels, (totalMs - timeToFirstTokenMs) / 1000);
    }
    if (interTokenMs !== undefined) perToken.observe(labels, interTokenMs / 1000);
    for (const latency of timings.interTokenLatenciesMs) interToken.observe(labels, latency / 1000);
  };
}

/** One of the SDK's few codes: what else an error may say is no label. */
function errorCode(error: unknown): string {
  return TrtllmError.isInstance(error) ? error.code : "unknown";
}
