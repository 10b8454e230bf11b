import type { Tool, ToolCall, ToolChoice } from "@trtllm-node/runtime";
import { ApiError, unsupported } from "../api-error.ts";

interface RequestTool {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly parameters?: Readonly<Record<string, unknown>> | null | undefined;
  readonly strict?: boolean | null | undefined;
}

/**
 * @param field the path of a tool in the request, such as "tools[0].function"
 * @param choice `tool_choice`: calls that must be are held to their schemas
 * @throws ApiError: strict tools that the model may call of itself
 */
export function toolsOf(
  tools: readonly RequestTool[],
  field: (index: number) => string,
  choice: unknown,
): Tool[] {
  const free = choice === null || choice === undefined || choice === "auto";
  return tools.map(({ name, description, parameters, strict }, index) => {
    if (strict && free) {
      const reason =
        "Only a call that must be is held to its schema: set 'tool_choice' to 'required' or to one of the tools.";
      throw unsupported(`${field(index)}.strict`, reason);
    }
    return { name, description: description ?? undefined, parameters: parameters ?? undefined };
  });
}

/** @throws ApiError: a choice without tools */
export function toolChoiceOf(
  choice: "none" | "auto" | "required" | { readonly name: string } | null | undefined,
  tools: readonly Tool[],
): ToolChoice | undefined {
  if (choice === null || choice === undefined) return undefined;
  if (tools.length === 0) {
    const message =
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.";
    throw new ApiError(400, message, { param: "tool_choice", code: "invalid_value" });
  }
  return typeof choice === "string" ? choice : { tool: choice.name };
}

/**
 * A call that the model has made before.
 * @param param the path of its arguments in the request
 * @throws ApiError: arguments that are not an object in JSON
 */
export function toolCall(
  { id, name, arguments: json }: { readonly id: string; readonly name: string; readonly arguments: string },
  param: string,
): ToolCall {
  let values: unknown;
  try {
    values = JSON.parse(json);
  } catch {
    values = undefined;
  }
  if (typeof values === "object" && values !== null && !Array.isArray(values)) {
    return { id, name, arguments: values as Record<string, unknown> };
  }
  throw new ApiError(400, `Invalid value for '${param}'. Expected the text of a JSON object.`, {
    param,
    code: "invalid_value",
  });
}
