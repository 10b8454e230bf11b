import { UnsupportedError } from "@trtllm-node/core";

/** How a family of models writes tool calls. */
export interface ToolFormat {
  readonly name: "hermes" | "llama3" | "mistral";
  /** Begins one call or several. */
  readonly opener: string;
  /** Ends them; `undefined` where the answer's end or other text does. */
  readonly closer: string | undefined;
  /** An answer that begins with a JSON object is a call too. */
  readonly bare: boolean;
  /** Other marks between the parts of a call, which may be tokens of their own. */
  readonly inner: readonly string[];
  /** What is before a call's object, for an answer that must be one. */
  readonly lead: string;
  /** Of the arguments in a call's object. */
  readonly argumentsKey: "arguments" | "parameters";
}

/** `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`: Hermes, Qwen and many others. */
export const hermes: ToolFormat = {
  name: "hermes",
  opener: "<tool_call>",
  closer: "</tool_call>",
  bare: false,
  inner: [],
  lead: "<tool_call>\n",
  argumentsKey: "arguments",
};

/** `{"name": ..., "parameters": {...}}`, also after `<|python_tag|>`, several with ";" between: Llama 3. */
export const llama3: ToolFormat = {
  name: "llama3",
  opener: "<|python_tag|>",
  closer: undefined,
  bare: true,
  inner: [],
  lead: "",
  argumentsKey: "parameters",
};

/** `[TOOL_CALLS][{"name": ..., "arguments": {...}}]`, and `[TOOL_CALLS]name[ARGS]{...}` of newer models: Mistral. */
export const mistral: ToolFormat = {
  name: "mistral",
  opener: "[TOOL_CALLS]",
  closer: undefined,
  bare: false,
  inner: ["[ARGS]", "[CALL_ID]"],
  lead: "[TOOL_CALLS][",
  argumentsKey: "arguments",
};

/** Whether a chat template writes tools. Where it does not, they are told to the model in a system message. */
export function templateKnowsTools(template: string): boolean {
  return /\btools\b/.test(template);
}

/**
 * The format that a chat template teaches its model.
 * @throws UnsupportedError: it is none that can be read here
 */
export function toolFormatOf(template: string): ToolFormat {
  if (!templateKnowsTools(template)) return hermes;
  if (template.includes("[TOOL_CALLS]")) return mistral;
  if (template.includes("<tool_call>") && !template.includes("<function=")) return hermes;
  if (template.includes("<|start_header_id|>")) return llama3;
  throw new UnsupportedError(
    "The model's chat template writes tool calls in a format that is not known here; those of Hermes and Qwen, Llama 3 " +
      "and Mistral are. Leave the tools out, or put a chat_template.jinja in one of these formats into the engine directory.",
  );
}
