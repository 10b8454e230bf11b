import type { ChatMessage } from "../chat/chat-message.ts";
import type { GenerateOptions } from "../generate-options.ts";
import type { RequestRecord } from "./llm-metrics.ts";

/** A request as it is made. */
export interface RequestStart {
  readonly operation: "chat" | "text_completion";
  readonly options: GenerateOptions;
  /** Of a conversation that was passed whole. */
  readonly messages?: readonly ChatMessage[] | undefined;
}

/** What a request was, or why it never began. */
export type RequestEnd = RequestRecord | { readonly outcome: "refused"; readonly error: unknown };

/** Told of each request in the turn in which it is made; what it returns is told the request's end, once. */
export type RequestTracer = (start: RequestStart) => (end: RequestEnd) => void;

/** Follows requests from their beginning to their end. */
export class RequestTrace {
  readonly #tracers = new Set<RequestTracer>();

  /** @returns ends it */
  add(tracer: RequestTracer): () => void {
    this.#tracers.add(tracer);
    return () => void this.#tracers.delete(tracer);
  }

  /** @returns to be told the request's end */
  begin(start: RequestStart): (end: RequestEnd) => void {
    const ends = [...this.#tracers].map((tracer) => tracer(start));
    return (end) => {
      for (const told of ends) told(end);
    };
  }
}
