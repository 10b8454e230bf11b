import type { FinishReason, RequestTimings } from "@trtllm-node/core";
import { LatencyHistogram, type LatencySummary } from "./latency-histogram.ts";

/** How a request ended: a finish reason, `"aborted"` by its signal, or `"failed"`. */
export type RequestOutcome = FinishReason | "aborted" | "failed";

/** What one request was, told when it ends. */
export interface RequestRecord {
  readonly outcome: RequestOutcome;
  /** When it was submitted: milliseconds since 1970. */
  readonly arrivalMs: number;
  /** The prompt itself. Whoever keeps it keeps a text. */
  readonly prompt: Int32Array | readonly number[];
  readonly promptTokens: number;
  /** What the request allowed, of all its answers together. */
  readonly maxTokens: number;
  /** As in `TokenUsage`; 0 where the request was aborted or failed. */
  readonly cachedPromptTokens: number;
  readonly completionTokens: number;
  /** The generated tokens of each answer; none where the request was aborted or failed. */
  readonly answers: readonly Int32Array[];
  /** Measured by the executor; `undefined` where the request was aborted or failed. */
  readonly timings: RequestTimings | undefined;
  /** Why it was aborted or failed. */
  readonly error: Error | undefined;
}

/** All requests since the engine was loaded. Latencies are of those that neither failed nor were aborted. */
export interface LlmMetricsSnapshot {
  readonly requests: {
    /** Submitted and not yet ended; waiting ones included. */
    readonly active: number;
    /** Ended, by outcome. */
    readonly ended: Readonly<Record<RequestOutcome, number>>;
    /** Refused before they were submitted: malformed, too long, or the queue was full. */
    readonly refused: number;
  };
  readonly tokens: { readonly prompt: number; readonly cachedPrompt: number; readonly completion: number };
  readonly queueMs: LatencySummary;
  readonly timeToFirstTokenMs: LatencySummary;
  /** Of every token but the first of each request. */
  readonly interTokenMs: LatencySummary;
  readonly totalMs: LatencySummary;
}

/** Counts and times the requests of one model. */
export class LlmMetrics {
  #active = 0;
  #refused = 0;
  readonly #ended: Record<RequestOutcome, number> = {
    end: 0,
    stop: 0,
    length: 0,
    "timed-out": 0,
    cancelled: 0,
    aborted: 0,
    failed: 0,
  };
  readonly #tokens = { prompt: 0, cachedPrompt: 0, completion: 0 };
  readonly #queueMs = new LatencyHistogram();
  readonly #timeToFirstTokenMs = new LatencyHistogram();
  readonly #interTokenMs = new LatencyHistogram();
  readonly #totalMs = new LatencyHistogram();

  submitted(): void {
    this.#active += 1;
  }

  refused(): void {
    this.#refused += 1;
  }

  /** Of a request that was submitted. */
  ended(record: RequestRecord): void {
    this.#active -= 1;
    this.#ended[record.outcome] += 1;
    this.#tokens.prompt += record.promptTokens;
    this.#tokens.cachedPrompt += record.cachedPromptTokens;
    this.#tokens.completion += record.completionTokens;
    const { timings } = record;
    if (timings === undefined) return;
    this.#queueMs.record(timings.queueMs);
    if (timings.timeToFirstTokenMs !== undefined) this.#timeToFirstTokenMs.record(timings.timeToFirstTokenMs);
    for (const latency of timings.interTokenLatenciesMs) this.#interTokenMs.record(latency);
    this.#totalMs.record(timings.totalMs);
  }

  snapshot(): LlmMetricsSnapshot {
    return {
      requests: { active: this.#active, ended: { ...this.#ended }, refused: this.#refused },
      tokens: { ...this.#tokens },
      queueMs: this.#queueMs.summary(),
      timeToFirstTokenMs: this.#timeToFirstTokenMs.summary(),
      interTokenMs: this.#interTokenMs.summary(),
      totalMs: this.#totalMs.summary(),
    };
  }
}
