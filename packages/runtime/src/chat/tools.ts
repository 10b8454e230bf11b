import { InvalidRequestError } from "@trtllm-node/core";
import {
  type Checked,
  type CompiledSchema,
  compileSchema,
  type JsonSchema,
  type Schema,
} from "../schema/schema.ts";

/** A function that the model may ask you to call. */
export interface Tool {
  /** Letters, digits, "_", "-" and "."; at most 64. */
  readonly name: string;
  /** For the model: what it does, and when to use it. */
  readonly description?: string | undefined;
  /** Of the arguments, which are an object. Default: no arguments. */
  readonly parameters?: Schema | undefined;
}

/**
 * `"auto"`: the model decides. `"none"`: the tools are not shown to it. `"required"`: its answer is a call. `{ tool }`: it
 * is a call of that tool. A call that must be is guided by the tools' schemas. Default `"auto"`.
 */
export type ToolChoice = "auto" | "none" | "required" | { readonly tool: string };

const noArguments: JsonSchema = { type: "object", properties: {}, additionalProperties: false };

/** The tools of one request. */
export class ToolSet {
  readonly #tools = new Map<string, Tool & { readonly schema: CompiledSchema<unknown> }>();

  /** @throws InvalidRequestError: a name or a schema that cannot be used */
  constructor(tools: readonly Tool[]) {
    tools.forEach((tool, index) => {
      const { name, parameters = noArguments } = tool;
      if (typeof name !== "string" || !/^[\w.-]{1,64}$/.test(name)) {
        throw new InvalidRequestError(
          `tools[${index}].name is ${JSON.stringify(name)}. Use 1 to 64 letters, digits, "_", "-" or ".".`,
        );
      }
      if (this.#tools.has(name))
        throw new InvalidRequestError(`Two tools are named ${JSON.stringify(name)}.`);
      this.#tools.set(name, { ...tool, schema: compileSchema(parameters, `tools[${index}].parameters`) });
    });
  }

  get names(): readonly string[] {
    return [...this.#tools.keys()];
  }

  /** As chat templates take them. */
  definitions(): readonly object[] {
    return [...this.#tools.values()].map(({ name, description = "", schema }) => {
      const { $schema: _, ...parameters } = schema.jsonSchema;
      return { type: "function", function: { name, description, parameters } };
    });
  }

  has(name: string): boolean {
    return this.#tools.has(name);
  }

  /** Of a tool's arguments. */
  schema(name: string): JsonSchema {
    return this.#tools.get(name)!.schema.jsonSchema;
  }

  checkArguments(name: string, value: unknown): Checked<unknown> {
    return this.#tools.get(name)!.schema.check(value);
  }
}

/** @throws InvalidRequestError: a choice that these tools do not allow */
export function checkToolChoice(choice: ToolChoice, tools: ToolSet): void {
  if (choice === "auto" || choice === "none") return;
  const known = tools.names.map((name) => JSON.stringify(name)).join(", ") || "none";
  if (choice === "required" ? tools.names.length > 0 : tools.has(choice?.tool)) return;
  throw new InvalidRequestError(
    `toolChoice is ${JSON.stringify(choice)}, but the tools given are: ${known}. ` +
      'Use "auto", "none", "required" or { tool: name }.',
  );
}
