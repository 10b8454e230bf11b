import { type GuidedDecoding, InvalidRequestError } from "@trtllm-node/core";
import type { IncrementalDecoder } from "../detokenizer/incremental-decoder.ts";
import type { PromptText } from "../prompt-text.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type ChatMessage, checkMessages, contentText } from "./chat-message.ts";
import { reasoningTags } from "./chat-parser.ts";
import { chatPromptParts, type PromptPart, promptTexts } from "./chat-prompt.ts";
import { ChatTemplate } from "./chat-template.ts";
import { forcedCallSchema } from "./forced-call.ts";
import { createMarkDecoder } from "./mark-decoder.ts";
import { plainMessages, templateMessages } from "./template-messages.ts";
import { type ToolFormat, templateKnowsTools, toolFormatOf } from "./tool-format.ts";
import { checkToolChoice, type Tool, type ToolChoice, ToolSet } from "./tools.ts";

/** How a conversation is written, and its answer read. */
export interface ChatFormatOptions {
  /** Functions that the model may ask you to call. */
  readonly tools?: readonly Tool[] | undefined;
  /** Default `"auto"`. */
  readonly toolChoice?: ToolChoice | undefined;
  /** The last message is the assistant's, and the answer goes on where it ends. Default false. */
  readonly continueFinalMessage?: boolean | undefined;
  /** Variables that this model's chat template knows, such as `{ enable_thinking: false }`. */
  readonly templateVariables?: Readonly<Record<string, unknown>> | undefined;
}

export interface ChatPrompt {
  readonly parts: readonly PromptPart[];
  /** Of the answer's text, what is already in the prompt. `given` is told to the application, `hidden` is not. */
  readonly opening: { readonly hidden: string; readonly given: string };
  /** What the answer continues of the last message. */
  readonly continued: string;
  readonly calls: { readonly format: ToolFormat; readonly tools: ToolSet } | undefined;
  /** What the answer must be, where it must be a call. */
  readonly guided?: GuidedDecoding;
}

/**
 * The options of a request for the answer to a prompt.
 * @throws InvalidRequestError: prompt and options both say what the answer must be
 */
export function optionsFor<Options extends { readonly guided?: GuidedDecoding | undefined }>(
  { guided }: ChatPrompt,
  options: Options,
): Options {
  if (guided === undefined) return options;
  if (options.guided === undefined) return { ...options, guided };
  throw new InvalidRequestError(
    'guided and toolChoice both say what the answer must be. Leave guided out, or set toolChoice to "auto" or "none".',
  );
}

/** A model's way to hold a conversation. */
export class ChatFormat {
  readonly #tokenizer: Tokenizer;
  readonly #source: string;
  readonly #template: ChatTemplate;

  /** @throws ChatTemplateError: the source is no Jinja template */
  constructor(source: string, tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#source = source;
    this.#template = new ChatTemplate(source, tokenizer);
  }

  /** @throws InvalidRequestError, UnsupportedError, ChatTemplateError */
  prompt(
    messages: readonly ChatMessage[],
    options: ChatFormatOptions & {
      /** What the template opens before the answer, such as reasoning, is closed. */
      readonly answerOnly?: boolean;
    },
  ): ChatPrompt {
    checkMessages(messages);
    const {
      tools: list = [],
      toolChoice = "auto",
      continueFinalMessage = false,
      templateVariables,
    } = options;
    const tools = new ToolSet(list);
    checkToolChoice(toolChoice, tools);
    if (continueFinalMessage) checkFinalMessage(messages, toolChoice);
    const shown = toolChoice === "none" || list.length === 0 ? undefined : tools;
    const calls = shown && { format: toolFormatOf(this.#source), tools };
    const knowsTools = templateKnowsTools(this.#source);
    const conversation = {
      messages: knowsTools ? templateMessages(messages) : plainMessages(messages, shown),
      tools: knowsTools ? shown?.definitions() : undefined,
      variables: templateVariables,
      continueFinalMessage,
    };
    const parts = chatPromptParts(conversation, this.#template, this.#tokenizer);
    const continued = continueFinalMessage ? contentText(messages.at(-1)!.content) : "";
    // White space at its end may be the beginning of what the answer's parser drops.
    if (continueFinalMessage)
      return { parts, calls, continued, opening: { hidden: continued.trimEnd(), given: "" } };
    const reasoning = openReasoning(parts.at(-1)!.text);
    const close = reasoning === undefined ? "" : `\n${reasoning.closer}\n\n`;
    if (options.answerOnly) {
      const closed = close === "" ? parts : [...parts, { text: close, isContent: false }];
      return { parts: closed, calls, continued, opening: { hidden: "", given: "" } };
    }
    if (calls === undefined || toolChoice === "auto" || toolChoice === "none") {
      return { parts, calls, continued, opening: { hidden: reasoning?.opener ?? "", given: "" } };
    }
    const given = calls.format.lead;
    const led = close + given === "" ? parts : [...parts, { text: close + given, isContent: false }];
    const guided = { jsonSchema: forcedCallSchema(toolChoice, tools, calls.format) };
    return { parts: led, calls, continued, opening: { hidden: "", given }, guided };
  }

  texts({ parts }: ChatPrompt): PromptText[] {
    return promptTexts(parts, this.#tokenizer, { addSpecial: true });
  }

  createDecoder({ calls }: ChatPrompt): IncrementalDecoder {
    const marks = reasoningTags.flatMap(({ opener, closer }) => [opener, closer]);
    if (calls !== undefined)
      marks.push(calls.format.opener, calls.format.closer ?? "", ...calls.format.inner);
    return createMarkDecoder(
      this.#tokenizer,
      marks.filter((mark) => mark !== ""),
    );
  }
}

/** Many templates open the reasoning themselves, where the answer begins. */
function openReasoning(prompt: string): (typeof reasoningTags)[number] | undefined {
  const end = prompt.slice(-64).trimEnd();
  return reasoningTags.find(({ opener }) => end.endsWith(opener));
}

function checkFinalMessage(messages: readonly ChatMessage[], toolChoice: ToolChoice): void {
  const final = messages.at(-1)!;
  if (final.role !== "assistant" || (final.toolCalls ?? []).length > 0) {
    throw new InvalidRequestError(
      "continueFinalMessage needs a last message that is the assistant's and calls no tools. " +
        'End the messages with { role: "assistant", content: "the beginning of the answer" }.',
    );
  }
  if (toolChoice === "auto" || toolChoice === "none") return;
  throw new InvalidRequestError(
    `continueFinalMessage and toolChoice ${JSON.stringify(toolChoice)} both say how the answer begins. Leave one out.`,
  );
}
