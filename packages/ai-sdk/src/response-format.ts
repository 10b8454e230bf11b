import type { LanguageModelV3CallOptions, SharedV3Warning } from "@ai-sdk/provider";
import type { ChatMessage } from "@trtllm-node/runtime";

/** Asks the model for JSON, in the system message. */
export function tellFormat(
  format: LanguageModelV3CallOptions["responseFormat"],
  messages: readonly ChatMessage[],
  warnings: SharedV3Warning[],
): readonly ChatMessage[] {
  if (format?.type !== "json") return messages;
  warnings.push({
    type: "unsupported",
    feature: "responseFormat",
    details: "The model is asked for JSON in the system message, but not forced to write it.",
  });
  const [first, ...rest] = messages;
  const told = instruction(format);
  if (first?.role !== "system") return [{ role: "system", content: told }, ...messages];
  return [{ role: "system", content: `${first.content}\n\n${told}` }, ...rest];
}

function instruction({
  schema,
  name,
  description,
}: Extract<LanguageModelV3CallOptions["responseFormat"], { type: "json" }>): string {
  const lines = ["Answer with one JSON value and nothing else."];
  if (name !== undefined) lines.push(`It is called ${JSON.stringify(name)}.`);
  if (description !== undefined) lines.push(`It is: ${description}`);
  if (schema !== undefined) lines.push(`Its JSON schema: ${JSON.stringify(schema)}`);
  return lines.join("\n");
}
