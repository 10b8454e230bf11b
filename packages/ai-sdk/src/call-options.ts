import type { LanguageModelV3CallOptions, SharedV3Warning } from "@ai-sdk/provider";
import type { ChatMessage, ChatOptions, JsonSchema, Tool, ToolChoice } from "@trtllm-node/runtime";
import { toDraft2020 } from "./draft-2020.ts";
import { chatMessages } from "./prompt.ts";
import { readProviderOptions } from "./provider-options.ts";
import { guide, tellFormat } from "./response-format.ts";

export interface ChatCall {
  readonly messages: readonly ChatMessage[];
  readonly options: ChatOptions;
  /** What was asked and cannot be done. */
  readonly warnings: SharedV3Warning[];
}

/** @throws InvalidArgumentError, UnsupportedFunctionalityError */
export function chatCall(call: LanguageModelV3CallOptions): ChatCall {
  const warnings: SharedV3Warning[] = [];
  const messages = chatMessages(call.prompt);
  const extra = readProviderOptions(call.providerOptions);
  warnOfHeaders(call.headers, warnings);
  if (call.temperature === undefined) warnOfGreedy({ ...call, ...extra }, warnings);
  return {
    messages: tellFormat(call.responseFormat, messages),
    options: {
      ...extra,
      maxTokens: call.maxOutputTokens,
      temperature: call.temperature,
      topP: call.topP,
      topK: call.topK,
      presencePenalty: call.presencePenalty,
      frequencyPenalty: call.frequencyPenalty,
      seed: call.seed,
      stop: call.stopSequences,
      guided: guide(call, warnings),
      signal: call.abortSignal,
      tools: tools(call.tools ?? [], warnings),
      toolChoice: toolChoice(call.toolChoice),
    },
    warnings,
  };
}

function tools(list: NonNullable<LanguageModelV3CallOptions["tools"]>, warnings: SharedV3Warning[]): Tool[] {
  return list.flatMap((tool): Tool[] => {
    if (tool.type === "provider") {
      warnings.push({
        type: "unsupported",
        feature: `provider tool ${tool.id}`,
        details: "An engine has no tools of its own. The model is not told of it.",
      });
      return [];
    }
    const { name, description, inputSchema, strict, inputExamples = [] } = tool;
    if (strict) {
      warnings.push({
        type: "unsupported",
        feature: `strict mode of tool ${name}`,
        details: "The model's arguments are checked against the schema, not forced to fit it.",
      });
    }
    if (inputExamples.length > 0) {
      warnings.push({
        type: "unsupported",
        feature: `input examples of tool ${name}`,
        details: "Chat templates have no place for them. Write them into the description.",
      });
    }
    return [{ name, description, parameters: toDraft2020(inputSchema as JsonSchema) }];
  });
}

function toolChoice(choice: LanguageModelV3CallOptions["toolChoice"]): ToolChoice | undefined {
  return choice?.type === "tool" ? { tool: choice.toolName } : choice?.type;
}

/** The AI SDK itself always sends its user agent. */
function warnOfHeaders(headers: LanguageModelV3CallOptions["headers"], warnings: SharedV3Warning[]): void {
  const names = Object.keys(headers ?? {}).filter((name) => name.toLowerCase() !== "user-agent");
  if (names.length === 0) return;
  warnings.push({
    type: "unsupported",
    feature: "headers",
    details: `The engine runs in this process: nothing is sent, and ${names.join(", ")} had no use.`,
  });
}

function warnOfGreedy(
  call: { readonly [name in "topP" | "topK" | "minP"]?: number | undefined },
  warnings: SharedV3Warning[],
): void {
  const idle = (["topP", "topK", "minP"] as const).filter((name) => call[name] !== undefined);
  if (idle.length === 0) return;
  warnings.push({
    type: "other",
    message: `Without a temperature the most likely token is taken, so ${idle.join(", ")} had no effect. Set temperature to sample.`,
  });
}
