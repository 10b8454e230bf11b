import type { Attributes } from "@opentelemetry/api";
import type { LLM, RequestOutcome, RequestStart } from "@trtllm-node/runtime";

// OpenTelemetry's semantic conventions for generative AI, still in development; its package has them no longer.

/** What the spans and metrics of a model's requests have in common. */
export function modelAttributes(llm: LLM, model: string, operation: RequestStart["operation"]): Attributes {
  return {
    "gen_ai.operation.name": operation,
    "gen_ai.provider.name": llm.engine.format === "tensorrt" ? "tensorrt_llm" : "llama_cpp",
    "gen_ai.request.model": model,
    "gen_ai.response.model": llm.engine.name,
  };
}

/** What a request asked for; what it left out has no attribute. */
export function requestAttributes({ options }: RequestStart): Attributes {
  const { temperature, topP, topK, maxTokens, frequencyPenalty, presencePenalty, seed, stop, guided } =
    options;
  return {
    "gen_ai.request.temperature": temperature,
    "gen_ai.request.top_p": topP,
    "gen_ai.request.top_k": topK,
    "gen_ai.request.max_tokens": maxTokens,
    "gen_ai.request.frequency_penalty": frequencyPenalty,
    "gen_ai.request.presence_penalty": presencePenalty,
    "gen_ai.request.seed": seed,
    "gen_ai.request.stop_sequences": typeof stop === "string" ? [stop] : stop && [...stop],
    "gen_ai.output.type":
      guided !== undefined && ("json" in guided || "jsonSchema" in guided) ? "json" : "text",
  };
}

/** The conventions' word for how an answer ended, where they have one. */
export function finishReason(outcome: RequestOutcome): string {
  return outcome === "end" ? "stop" : outcome;
}
