import { z } from "zod";
import { samplingFields, type Unsupported, unsupportedByAll } from "./generation-fields.ts";

const part = z.object({
  type: z.literal(["input_text", "output_text", "refusal"]),
  text: z.string().optional(),
  refusal: z.string().optional(),
});
const content = z.union([z.string(), z.array(part)], "Expected a string or an array of text parts.");
const reasoningText = z.object({ text: z.string() });

const item = z.discriminatedUnion(
  "type",
  [
    z.object({
      type: z.literal("message"),
      role: z.literal(["system", "developer", "user", "assistant"]),
      content,
    }),
    z.object({
      type: z.literal("reasoning"),
      summary: z.array(reasoningText).nullish(),
      content: z.array(reasoningText).nullish(),
    }),
    z.object({
      type: z.literal("function_call"),
      call_id: z.string(),
      name: z.string(),
      arguments: z.string(),
    }),
    z.object({ type: z.literal("function_call_output"), call_id: z.string(), output: content }),
  ],
  "Supported values are: 'message', 'reasoning', 'function_call', and 'function_call_output'.",
);

/** The type of a message may be left out. */
function withType(value: unknown): unknown {
  const isItem = typeof value === "object" && value !== null && !Array.isArray(value);
  return isItem && !("type" in value) && "role" in value ? { type: "message", ...value } : value;
}

const functionTool = z.object({
  type: z.literal("function"),
  name: z.string(),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
});

const format = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.literal(["text", "json_object"]) }),
    z.object({
      type: z.literal("json_schema"),
      name: z.string(),
      schema: z.record(z.string(), z.unknown()),
      strict: z.boolean().nullish(),
    }),
  ],
  "Supported values are: 'text', 'json_object', and 'json_schema'.",
);

export const responsesSchema = z.object({
  ...samplingFields,
  input: z.union(
    [z.string().min(1), z.array(z.preprocess(withType, item)).min(1)],
    "Expected a text or an array of items, not empty.",
  ),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  previous_response_id: z.string().nullish(),
  store: z.boolean().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  tools: z.array(functionTool).max(128).nullish(),
  tool_choice: z
    .union(
      [z.literal(["none", "auto", "required"]), z.object({ type: z.literal("function"), name: z.string() })],
      "Expected 'none', 'auto', 'required', or { type: 'function', name }.",
    )
    .nullish(),
  text: z.object({ format: format.nullish(), verbosity: z.string().nullish() }).nullish(),
  reasoning: z
    .object({
      effort: z.enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"]).nullish(),
      summary: z.string().nullish(),
    })
    .nullish(),
  include: z.array(z.literal(["message.output_text.logprobs", "reasoning.encrypted_content"])).nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  chat_template_kwargs: z.record(z.string(), z.unknown()).nullish(),
});

export type ResponsesRequest = z.infer<typeof responsesSchema>;
export type InputItem = z.infer<typeof item>;

const aService = "It belongs to OpenAI's own service.";

export const unsupportedInResponses: Readonly<Record<string, Unsupported>> = {
  ...unsupportedByAll,
  background: { reason: "A response is made while its client waits.", harmless: [false] },
  conversation: { reason: "Pass the items in 'input', or the 'previous_response_id'." },
  context_management: { reason: "Nothing is left out of a conversation." },
  max_tool_calls: { reason: aService },
  moderation: { reason: aService },
  parallel_tool_calls: { reason: "The number of calls cannot be limited.", harmless: [true] },
  prompt: { reason: aService },
  stream_options: { reason: aService, harmless: [{}, { include_obfuscation: false }] },
  truncation: { reason: "Nothing is left out of a conversation.", harmless: ["disabled"] },
};
