import {
  type Attributes,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { LLM, RequestEnd, RequestRecord, RequestStart } from "@trtllm-node/runtime";
import { finishReason, requestAttributes } from "./attributes.ts";
import { errorType } from "./request-meter.ts";

/** The span of one request. Its phases become spans within it once they are known, at its end. */
export class RequestSpan {
  readonly #llm: LLM;
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #startMs: number;
  readonly #start: RequestStart;
  readonly #captureContent: boolean;

  /** @param startMs milliseconds since 1970, with their fraction */
  constructor(
    llm: LLM,
    tracer: Tracer,
    start: RequestStart,
    attributes: Attributes,
    { startMs, captureContent }: { readonly startMs: number; readonly captureContent: boolean },
  ) {
    this.#llm = llm;
    this.#tracer = tracer;
    this.#start = start;
    this.#startMs = startMs;
    this.#captureContent = captureContent;
    // The model runs in this process: no client's span.
    this.#span = tracer.startSpan(
      `${attributes["gen_ai.operation.name"]} ${attributes["gen_ai.request.model"]}`,
      {
        kind: SpanKind.INTERNAL,
        startTime: startMs,
        attributes,
      },
    );
    if (this.#span.isRecording()) this.#span.setAttributes(requestAttributes(start));
  }

  end(end: RequestEnd, endMs: number): void {
    const span = this.#span;
    const error = errorType(end);
    if (error !== undefined) {
      span.setAttribute("error.type", error);
      // An error's message may tell the prompt.
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    if (end.outcome !== "refused" && span.isRecording()) this.#answered(end);
    // The executor's clock began before ours.
    const totalMs = end.outcome === "refused" ? 0 : (end.timings?.totalMs ?? 0);
    span.end(Math.max(endMs, this.#startMs + totalMs));
  }

  #answered(record: RequestRecord): void {
    const { outcome, promptTokens, completionTokens, cachedPromptTokens, answers, timings } = record;
    this.#span.setAttributes({
      "gen_ai.request.choice.count": answers.length > 1 ? answers.length : undefined,
      "gen_ai.response.finish_reasons": [finishReason(outcome)],
      "gen_ai.usage.input_tokens": promptTokens,
      "gen_ai.usage.output_tokens": completionTokens,
      "gen_ai.usage.cache_read.input_tokens": cachedPromptTokens,
    });
    if (this.#captureContent) this.#span.setAttributes(this.#content(record));
    if (timings === undefined) return;
    const { queueMs, timeToFirstTokenMs = timings.totalMs, totalMs } = timings;
    this.#span.setAttribute("gen_ai.response.time_to_first_chunk", timeToFirstTokenMs / 1000);
    this.#phase("queue", 0, queueMs);
    this.#phase("prefill", queueMs, timeToFirstTokenMs);
    if (completionTokens > 1) this.#phase("decode", timeToFirstTokenMs, totalMs);
  }

  #phase(name: string, fromMs: number, toMs: number): void {
    const parent = trace.setSpan(context.active(), this.#span);
    this.#tracer.startSpan(name, { startTime: this.#startMs + fromMs }, parent).end(this.#startMs + toMs);
  }

  #content({ prompt, answers }: RequestRecord): Attributes {
    const { messages = [{ role: "user", content: this.#text(prompt) }] } = this.#start;
    const answered = answers.map((tokens) => this.#text(tokens));
    const message = (role: string, content: unknown) => ({ role, parts: [{ type: "text", content }] });
    return {
      "gen_ai.input.messages": JSON.stringify(messages.map(({ role, content }) => message(role, content))),
      "gen_ai.output.messages": JSON.stringify(answered.map((text) => message("assistant", text))),
    };
  }

  #text(tokens: Int32Array | readonly number[]): string {
    const decoder = this.#llm.tokenizer.createDecoder();
    return decoder.push(tokens) + decoder.flush();
  }
}
