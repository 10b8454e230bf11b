import type { LanguageModelV3CallOptions, SharedV3Warning } from "@ai-sdk/provider";
import type { ChatMessage, ChatOptions, JsonSchema } from "@trtllm-node/runtime";
import { toDraft2020 } from "./draft-2020.ts";

type Json = Extract<LanguageModelV3CallOptions["responseFormat"], { type: "json" }>;

/** The mask that makes an answer JSON. It would keep the model from calling tools. */
export function guide(
  { responseFormat: format, tools = [], toolChoice }: LanguageModelV3CallOptions,
  warnings: SharedV3Warning[],
): ChatOptions["guided"] {
  if (format?.type !== "json") return undefined;
  if (tools.length > 0 && toolChoice?.type !== "none") {
    warnings.push({
      type: "unsupported",
      feature: "responseFormat",
      details:
        "With tools the model is asked for JSON in the system message, but not forced to write it. " +
        'toolChoice "none" forces it.',
    });
    return undefined;
  }
  if (format.schema === undefined) return { json: true };
  return { jsonSchema: toDraft2020(format.schema as JsonSchema) };
}

/** A mask keeps the form; what the form means is told in the system message. */
export function tellFormat(
  format: LanguageModelV3CallOptions["responseFormat"],
  messages: readonly ChatMessage[],
): readonly ChatMessage[] {
  if (format?.type !== "json") return messages;
  const [first, ...rest] = messages;
  const told = instruction(format);
  if (first?.role !== "system") return [{ role: "system", content: told }, ...messages];
  return [{ role: "system", content: `${first.content}\n\n${told}` }, ...rest];
}

function instruction({ schema, name, description }: Json): string {
  const lines = ["Answer with one JSON value and nothing else."];
  if (name !== undefined) lines.push(`It is called ${JSON.stringify(name)}.`);
  if (description !== undefined) lines.push(`It is: ${description}`);
  if (schema !== undefined) lines.push(`Its JSON schema: ${JSON.stringify(schema)}`);
  return lines.join("\n");
}
