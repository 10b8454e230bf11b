import { AIMessageChunk, type AIMessageChunkFields } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import type { ChatPart, ChatResult } from "@trtllm-node/runtime";

const model_provider = "trtllm";

/** Turns the parts of one answer into LangChain's chunks, which join to the whole message. */
export class AnswerChunks {
  /** The indexes of the calls that have begun, by id. */
  readonly #calls = new Map<string, number>();

  push(part: ChatPart): ChatGenerationChunk | undefined {
    switch (part.type) {
      case "text-delta":
        return chunkOf(part.text, { content: part.text });
      case "reasoning-delta":
        return chunkOf("", { content: "", additional_kwargs: { reasoning_content: part.text } });
      case "tool-call-start": {
        const { id, name } = part;
        const index = this.#calls.size;
        this.#calls.set(id, index);
        return callChunk({ index, id, name, args: "" });
      }
      case "tool-call-delta":
        return callChunk({ index: this.#calls.get(part.id)!, args: part.text });
      case "tool-call-end":
        return undefined;
      case "tool-call-error":
        // What has begun is told, and LangChain judges it by its text. What names no tool can only be text.
        return this.#calls.has(part.id) ? undefined : chunkOf(part.text, { content: part.text });
    }
  }

  end({ usage, finishReason, timings }: ChatResult, model: string): ChatGenerationChunk {
    const { queueMs, timeToFirstTokenMs, totalMs, tokensPerSecond } = timings;
    return chunkOf("", {
      content: "",
      response_metadata: {
        model_name: model,
        finish_reason: finishReason === "end" && this.#calls.size > 0 ? "tool-calls" : finishReason,
        timings: { queueMs, timeToFirstTokenMs, totalMs, tokensPerSecond },
      },
      usage_metadata: {
        input_tokens: usage.promptTokens,
        output_tokens: usage.completionTokens,
        total_tokens: usage.promptTokens + usage.completionTokens,
        input_token_details: { cache_read: usage.cachedPromptTokens },
      },
    });
  }
}

function chunkOf(text: string, fields: AIMessageChunkFields): ChatGenerationChunk {
  const response_metadata = { model_provider, ...fields.response_metadata };
  return new ChatGenerationChunk({ text, message: new AIMessageChunk({ ...fields, response_metadata }) });
}

function callChunk(call: { index: number; id?: string; name?: string; args: string }): ChatGenerationChunk {
  return chunkOf("", { content: "", tool_call_chunks: [{ type: "tool_call_chunk", ...call }] });
}
