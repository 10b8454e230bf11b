import type { GenerateOptions, Tool, ToolChoice } from "@trtllm-node/runtime";
import { ApiError } from "../api-error.ts";

interface Format {
  readonly type: "text" | "json_object" | "json_schema";
  readonly schema?: Readonly<Record<string, unknown>> | null | undefined;
}

/**
 * What the answer is held to.
 * @param param the field of the format
 * @throws ApiError: a format beside tools, whose calls would not have it
 */
export function guideOf(
  format: Format | null | undefined,
  { tools, toolChoice }: { readonly tools: readonly Tool[]; readonly toolChoice: ToolChoice | undefined },
  param: string,
): GenerateOptions["guided"] {
  if (!format || format.type === "text") return undefined;
  if (tools.length > 0 && toolChoice !== "none") {
    const message =
      `Invalid value for '${param}': an answer that has a format cannot call tools. Leave out 'tools', or set ` +
      "'tool_choice' to 'none'.";
    throw new ApiError(400, message, { param, code: "invalid_value" });
  }
  return { jsonSchema: format.schema ?? { type: "object" } };
}
