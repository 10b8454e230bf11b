import { type Meter, metrics, type Tracer, trace } from "@opentelemetry/api";
import type { LLM } from "@trtllm-node/runtime";
import { modelAttributes } from "./attributes.ts";
import { RequestMeter } from "./request-meter.ts";
import { RequestSpan } from "./request-span.ts";

export interface InstrumentOptions {
  /** What requests call the model. Default: the engine's name. */
  readonly model?: string | undefined;
  /** Default: that of the global provider. */
  readonly tracer?: Tracer | undefined;
  /** Default: that of the global provider. */
  readonly meter?: Meter | undefined;
  /** Write prompts and answers into the spans. Default false: no text leaves the process. */
  readonly captureContent?: boolean | undefined;
}

const scope = "@trtllm-node/telemetry";

/**
 * Makes a span of each request of a model, within the span that is active where it is made, and counts and times
 * requests, by OpenTelemetry's semantic conventions for generative AI. @returns ends that
 */
export function instrument(llm: LLM, options: InstrumentOptions = {}): () => void {
  const { model = llm.engine.name, captureContent = false } = options;
  const { tracer = trace.getTracer(scope), meter = metrics.getMeter(scope) } = options;
  const requests = new RequestMeter(meter);
  return llm.trace((start) => {
    const attributes = modelAttributes(llm, model, start.operation);
    const startMs = nowMs();
    const span = new RequestSpan(llm, tracer, start, attributes, { startMs, captureContent });
    return (end) => {
      const endMs = nowMs();
      span.end(end, endMs);
      requests.record(end, endMs - startMs, attributes);
    };
  });
}

/** Since 1970, with fractions. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
