import { randomUUID } from "node:crypto";
import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
  LanguageModelV3StreamResult,
} from "@ai-sdk/provider";
import { TrtllmError } from "@trtllm-node/core";
import type { ChatStream, LLM } from "@trtllm-node/runtime";
import { AnswerBlocks, contentOf } from "./answer-blocks.ts";
import { type ChatCall, chatCall } from "./call-options.ts";
import { toSdkError } from "./errors.ts";
import { finishOf, unknownUsage } from "./finish.ts";
import { providerName } from "./provider-options.ts";

/** What is used of an `LLM`. */
export type ChatModel = Pick<LLM, "engine" | "tokenizer" | "chat">;

export class TrtllmLanguageModel implements LanguageModelV3 {
  readonly specificationVersion = "v3";
  readonly provider = providerName;
  readonly modelId: string;
  readonly supportedUrls = {};
  readonly #model: ChatModel;

  constructor(model: ChatModel, modelId: string) {
    this.#model = model;
    this.modelId = modelId;
  }

  async doGenerate(options: LanguageModelV3CallOptions): Promise<LanguageModelV3GenerateResult> {
    const { warnings, ...call } = chatCall(options);
    const response = this.#response();
    const blocks = new AnswerBlocks();
    try {
      const chat = this.#model.chat(call.messages, call.options);
      const parts: LanguageModelV3StreamPart[] = [];
      for await (const part of chat) parts.push(...blocks.push(part));
      const finish = finishOf(await chat.result, blocks.calls, this.#model.tokenizer);
      return { content: contentOf(parts), ...finish, response, warnings };
    } catch (error) {
      throw toSdkError(error, this.modelId);
    }
  }

  async doStream(options: LanguageModelV3CallOptions): Promise<LanguageModelV3StreamResult> {
    const call = chatCall(options);
    try {
      const chat = this.#model.chat(call.messages, call.options);
      return { stream: this.#stream(chat, call, options.includeRawChunks ?? false) };
    } catch (error) {
      throw toSdkError(error, this.modelId);
    }
  }

  #stream(
    chat: ChatStream,
    { warnings }: ChatCall,
    includeRaw: boolean,
  ): ReadableStream<LanguageModelV3StreamPart> {
    const blocks = new AnswerBlocks();
    const parts = chat[Symbol.asyncIterator]();
    const next = async (): Promise<{
      readonly parts: LanguageModelV3StreamPart[];
      readonly done: boolean;
    }> => {
      try {
        const { done, value } = await parts.next();
        if (!done) {
          const raw: LanguageModelV3StreamPart[] = includeRaw ? [{ type: "raw", rawValue: value }] : [];
          return { parts: [...raw, ...blocks.push(value)], done: false };
        }
        // Asked for only now: a stream that is dropped unread cancels its request.
        const finish = finishOf(await chat.result, blocks.calls, this.#model.tokenizer);
        return { parts: [...blocks.end(), { type: "finish", ...finish }], done: true };
      } catch (error) {
        if ((error as Error).name === "AbortError") throw error;
        const raw = TrtllmError.isInstance(error) ? error.code : undefined;
        const finishReason = { unified: "error", raw } as const;
        return {
          parts: [
            ...blocks.end(),
            { type: "error", error: toSdkError(error, this.modelId) },
            { type: "finish", finishReason, usage: unknownUsage },
          ],
          done: true,
        };
      }
    };
    return new ReadableStream<LanguageModelV3StreamPart>({
      start: (controller) => {
        controller.enqueue({ type: "stream-start", warnings });
        controller.enqueue({ type: "response-metadata", ...this.#response() });
      },
      pull: async (controller) => {
        const { parts, done } = await next();
        for (const part of parts) controller.enqueue(part);
        if (done) controller.close();
      },
      cancel: () => chat.cancel(),
    });
  }

  #response() {
    return { id: randomUUID(), timestamp: new Date(), modelId: this.modelId };
  }
}
