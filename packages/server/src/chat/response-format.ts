import type { GenerateOptions } from "@trtllm-node/runtime";
import { ApiError } from "../api-error.ts";
import type { ChatRequest } from "../request/chat-request.ts";

/**
 * What the answer is held to.
 * @throws ApiError: a format beside tools, whose calls would not have it
 */
export function guideOf({
  response_format: format,
  tools,
  tool_choice,
}: ChatRequest): GenerateOptions["guided"] {
  if (!format || format.type === "text") return undefined;
  if (tools?.length && tool_choice !== "none") {
    const message =
      "Invalid value for 'response_format': an answer that has a format cannot call tools. Leave out 'tools', or set " +
      "'tool_choice' to 'none'.";
    throw new ApiError(400, message, { param: "response_format", code: "invalid_value" });
  }
  const schema = format.type === "json_schema" ? format.json_schema.schema : undefined;
  return { jsonSchema: schema ?? { type: "object" } };
}
