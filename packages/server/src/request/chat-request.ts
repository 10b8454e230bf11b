import { z } from "zod";
import { generationFields, type Unsupported, unsupportedByAll } from "./generation-fields.ts";

const textPart = z.object({
  type: z.literal(["text", "refusal"]),
  text: z.string().optional(),
  refusal: z.string().optional(),
});
const content = z.union([z.string(), z.array(textPart)], "Expected a string or an array of text parts.");

const toolCall = z.object({
  id: z.string(),
  type: z.literal("function"),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

export const messageSchema = z.discriminatedUnion(
  "role",
  [
    z.object({ role: z.literal(["system", "developer"]), content }),
    z.object({ role: z.literal("user"), content }),
    z.object({
      role: z.literal("assistant"),
      content: content.nullish(),
      refusal: z.string().nullish(),
      reasoning_content: z.string().nullish(),
      reasoning: z.string().nullish(),
      tool_calls: z.array(toolCall).nullish(),
    }),
    z.object({ role: z.literal("tool"), content, tool_call_id: z.string() }),
  ],
  "Supported values are: 'system', 'developer', 'user', 'assistant', and 'tool'.",
);

const functionTool = z.object({
  type: z.literal("function"),
  function: z.object({
    name: z.string(),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: z.boolean().nullish(),
  }),
});

export const chatSchema = z.object({
  ...generationFields,
  messages: z.array(messageSchema).min(1),
  max_completion_tokens: z.int().min(1).nullish(),
  tools: z.array(functionTool).max(128).nullish(),
  tool_choice: z
    .union(
      [
        z.literal(["none", "auto", "required"]),
        z.object({ type: z.literal("function"), function: z.object({ name: z.string() }) }),
      ],
      "Expected 'none', 'auto', 'required', or { type: 'function', function: { name } }.",
    )
    .nullish(),
  response_format: z
    .discriminatedUnion(
      "type",
      [
        z.object({ type: z.literal(["text", "json_object"]) }),
        z.object({
          type: z.literal("json_schema"),
          json_schema: z.object({
            name: z.string(),
            schema: z.record(z.string(), z.unknown()).nullish(),
            strict: z.boolean().nullish(),
          }),
        }),
      ],
      "Supported values are: 'text', 'json_object', and 'json_schema'.",
    )
    .nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  reasoning_effort: z.enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"]).nullish(),
  // Not OpenAI's, but what vLLM takes too.
  chat_template_kwargs: z.record(z.string(), z.unknown()).nullish(),
  continue_final_message: z.boolean().nullish(),
});

export type ChatRequest = z.infer<typeof chatSchema>;
export type RequestMessage = z.infer<typeof messageSchema>;

const aText = "An engine here reads and writes text only.";
const deprecated = "Use 'tools' and 'tool_choice'.";
const aService = "It belongs to OpenAI's own service.";

export const unsupportedInChat: Readonly<Record<string, Unsupported>> = {
  ...unsupportedByAll,
  parallel_tool_calls: { reason: "The number of calls cannot be limited.", harmless: [true] },
  functions: { reason: deprecated },
  function_call: { reason: deprecated },
  modalities: { reason: aText, harmless: [["text"]] },
  audio: { reason: aText },
  prediction: { reason: "Predicted outputs are not offered." },
  web_search_options: { reason: aService },
  store: { reason: "Nothing is stored.", harmless: [false] },
  verbosity: { reason: "Ask for it in a message.", harmless: ["medium"] },
};
