import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type {
  BaseLanguageModelInput,
  StructuredOutputMethodOptions,
} from "@langchain/core/language_models/base";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
  type LangSmithParams,
} from "@langchain/core/language_models/chat_models";
import {
  assembleStructuredOutputPipeline,
  createContentParser,
} from "@langchain/core/language_models/structured_output";
import type { AIMessageChunk, BaseMessage } from "@langchain/core/messages";
import type { ChatGenerationChunk, ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";
import { toJsonSchema } from "@langchain/core/utils/json_schema";
import type { ChatOptions, LLM } from "@trtllm-node/runtime";
import { AnswerChunks } from "./answer-chunks.ts";
import { chatMessages, tellSchema } from "./messages.ts";
import { toolChoiceOf, toolsOf } from "./tools.ts";

/** What a model and a single call can say, with the runtime's meaning and defaults: docs/sampling.md. */
type Settings = Pick<ChatOptions, (typeof settings)[number]>;

const settings = [
  "maxTokens",
  "temperature",
  "topK",
  "topP",
  "minP",
  "seed",
  "repetitionPenalty",
  "presencePenalty",
  "frequencyPenalty",
  "noRepeatNgramSize",
  "logitBias",
  "minTokens",
  "priority",
  "timeoutMs",
  "cacheSaltId",
  "guided",
  "templateVariables",
] as const satisfies (keyof ChatOptions)[];

export interface ChatTrtllmCallOptions extends BaseChatModelCallOptions, Settings {
  readonly tools?: BindToolsInput[];
}

export interface ChatTrtllmFields extends BaseChatModelParams, Settings {
  /** You go on owning it. */
  readonly llm: Pick<LLM, "engine" | "chat">;
}

type OutputSchema<Output extends Record<string, unknown>> = Parameters<typeof createContentParser<Output>>[0];

/** An engine in this process as a chat model of LangChain. */
export class ChatTrtllm extends BaseChatModel<ChatTrtllmCallOptions, AIMessageChunk> {
  readonly #llm: ChatTrtllmFields["llm"];
  readonly #defaults: Settings;

  constructor({ llm, ...fields }: ChatTrtllmFields) {
    super(fields);
    this.#llm = llm;
    this.#defaults = settingsOf(fields);
  }

  static override lc_name(): string {
    return "ChatTrtllm";
  }

  override _llmType(): string {
    return "trtllm";
  }

  override invocationParams(options?: this["ParsedCallOptions"]): Record<string, unknown> {
    const { tools, tool_choice, stop } = options ?? {};
    return {
      model: this.#llm.engine.name,
      ...this.#defaults,
      ...settingsOf(options ?? {}),
      stop,
      tools,
      tool_choice,
    };
  }

  override _identifyingParams(): Record<string, unknown> {
    return { model: this.#llm.engine.name, ...this.#defaults };
  }

  override getLsParams(options: this["ParsedCallOptions"]): LangSmithParams {
    const { temperature, maxTokens } = { ...this.#defaults, ...settingsOf(options) };
    return {
      ls_provider: "trtllm",
      ls_model_name: this.#llm.engine.name,
      ls_model_type: "chat",
      ...(temperature !== undefined && { ls_temperature: temperature }),
      ...(maxTokens !== undefined && { ls_max_tokens: maxTokens }),
      ...(options.stop !== undefined && { ls_stop: options.stop }),
    };
  }

  override bindTools(tools: BindToolsInput[], options: Partial<ChatTrtllmCallOptions> = {}) {
    return this.withConfig({ ...options, tools });
  }

  /** The answer's tokens are held to the schema, unless `method` is `"functionCalling"`. */
  override withStructuredOutput<Output extends Record<string, unknown> = Record<string, unknown>>(
    schema: OutputSchema<Output>,
    config?: StructuredOutputMethodOptions<false>,
  ): Runnable<BaseLanguageModelInput, Output>;
  override withStructuredOutput<Output extends Record<string, unknown> = Record<string, unknown>>(
    schema: OutputSchema<Output>,
    config?: StructuredOutputMethodOptions<true>,
  ): Runnable<BaseLanguageModelInput, { raw: BaseMessage; parsed: Output }>;
  override withStructuredOutput<Output extends Record<string, unknown>>(
    schema: OutputSchema<Output>,
    { includeRaw, method, ...config }: StructuredOutputMethodOptions<boolean> = {},
  ) {
    if (method === "functionCalling") {
      return super.withStructuredOutput(schema, {
        includeRaw,
        method,
        ...config,
      } as StructuredOutputMethodOptions);
    }
    const told = toJsonSchema(schema);
    const held = this.withConfig({
      guided: { jsonSchema: method === "jsonMode" ? { type: "object" } : told },
      ls_structured_output_format: { kwargs: { method: method ?? "jsonSchema" }, schema: told },
    });
    return assembleStructuredOutputPipeline(held, createContentParser(schema), includeRaw);
  }

  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined;
    for await (const chunk of this._streamResponseChunks(messages, options, runManager)) {
      whole = whole?.concat(chunk) ?? chunk;
    }
    return { generations: [whole!] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const schema = options.ls_structured_output_format?.schema;
    const chat = this.#llm.chat(tellSchema(schema, chatMessages(messages)), {
      ...this.#defaults,
      ...settingsOf(options),
      stop: options.stop,
      tools: toolsOf(options.tools ?? []),
      toolChoice: toolChoiceOf(options.tool_choice),
      signal: options.signal,
    });
    const chunks = new AnswerChunks();
    for await (const part of chat) {
      const chunk = chunks.push(part);
      if (chunk === undefined) continue;
      yield chunk;
      await runManager?.handleLLMNewToken(chunk.text, undefined, undefined, undefined, undefined, { chunk });
    }
    yield chunks.end(await chat.result, this.#llm.engine.name);
  }
}

function settingsOf(options: Settings): Settings {
  const given = settings.filter((name) => options[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, options[name]]));
}
