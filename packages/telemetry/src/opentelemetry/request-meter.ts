import type { Attributes, Histogram, Meter } from "@opentelemetry/api";
import { TrtllmError } from "@trtllm-node/core";
import type { RequestEnd } from "@trtllm-node/runtime";

// The conventions' buckets.
const durations = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const firstToken = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const perToken = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const counts = Array.from({ length: 14 }, (_, power) => 4 ** power);

/** The conventions' metrics of requests. */
export class RequestMeter {
  readonly #duration: Histogram;
  readonly #firstToken: Histogram;
  readonly #perToken: Histogram;
  readonly #tokens: Histogram;

  constructor(meter: Meter) {
    const seconds = (name: string, description: string, buckets: number[]) =>
      meter.createHistogram(name, { description, unit: "s", advice: { explicitBucketBoundaries: buckets } });
    this.#duration = seconds("gen_ai.server.request.duration", "Time to the end of a request.", durations);
    this.#firstToken = seconds("gen_ai.server.time_to_first_token", "Time to the first token.", firstToken);
    this.#perToken = seconds(
      "gen_ai.server.time_per_output_token",
      "Time between the tokens of a request behind the first.",
      perToken,
    );
    this.#tokens = meter.createHistogram("gen_ai.client.token.usage", {
      description: "Tokens of prompts and answers.",
      unit: "{token}",
      advice: { explicitBucketBoundaries: counts },
    });
  }

  /** @param elapsedMs where the executor has measured nothing */
  record(end: RequestEnd, elapsedMs: number, attributes: Attributes): void {
    const error = errorType(end);
    const timings = end.outcome === "refused" ? undefined : end.timings;
    const duration = (timings?.totalMs ?? elapsedMs) / 1000;
    this.#duration.record(
      duration,
      error === undefined ? attributes : { ...attributes, "error.type": error },
    );
    if (timings === undefined || end.outcome === "refused") return;
    const { timeToFirstTokenMs, interTokenMs } = timings;
    if (timeToFirstTokenMs !== undefined) this.#firstToken.record(timeToFirstTokenMs / 1000, attributes);
    if (interTokenMs !== undefined) this.#perToken.record(interTokenMs / 1000, attributes);
    this.#tokens.record(end.promptTokens, { ...attributes, "gen_ai.token.type": "input" });
    this.#tokens.record(end.completionTokens, { ...attributes, "gen_ai.token.type": "output" });
  }
}

/** The error's code; `undefined` where the request was answered, or not wanted any more. */
export function errorType({ outcome, error }: RequestEnd): string | undefined {
  if (outcome !== "refused" && outcome !== "failed") return undefined;
  return TrtllmError.isInstance(error) ? error.code : "_OTHER";
}
