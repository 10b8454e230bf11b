import type { BindToolsInput, ToolChoice } from "@langchain/core/language_models/chat_models";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { InvalidRequestError } from "@trtllm-node/core";
import type { JsonSchema, ToolChoice as RuntimeToolChoice, Tool } from "@trtllm-node/runtime";

/** @throws InvalidRequestError: neither a LangChain tool nor OpenAI's form of one */
export function toolsOf(tools: readonly BindToolsInput[]): Tool[] {
  return tools.map((tool) => {
    const { function: definition } = convertToOpenAITool(tool);
    if (definition === undefined) {
      throw new InvalidRequestError(
        'A tool must be one of LangChain, or { type: "function", function: { name, description, parameters } }.',
      );
    }
    const { name, description, parameters } = definition;
    return { name, description, parameters: parameters as JsonSchema };
  });
}

/** `"any"` is LangChain's word for `"required"`; any other text is the name of a tool. */
export function toolChoiceOf(choice: ToolChoice | undefined): RuntimeToolChoice | undefined {
  if (choice === undefined || choice === "auto" || choice === "none") return choice;
  if (choice === "any" || choice === "required") return "required";
  return { tool: typeof choice === "string" ? choice : choice.function?.name };
}
