import type { JsonSchema } from "../schema/schema.ts";
import type { ToolFormat } from "./tool-format.ts";
import type { ToolChoice, ToolSet } from "./tools.ts";

/** What every call that a choice allows fits: the name of a tool, and arguments of its schema. */
export function forcedCallSchema(
  choice: Exclude<ToolChoice, "auto" | "none">,
  tools: ToolSet,
  { argumentsKey }: ToolFormat,
): JsonSchema {
  const names = choice === "required" ? tools.names : [choice.tool];
  const $defs: Record<string, unknown> = {};
  const calls = names.map((name, index) => {
    const { $schema: _, ...schema } = tools.schema(name);
    const place = `tool${index}`;
    $defs[place] = movedTo(`#/$defs/${place}`, schema);
    return {
      type: "object",
      properties: { name: { const: name }, [argumentsKey]: { $ref: `#/$defs/${place}` } },
      required: ["name", argumentsKey],
      additionalProperties: false,
    };
  });
  const [only, ...others] = calls;
  return { $defs, ...(others.length === 0 ? only : { anyOf: calls }) };
}

/** They hold values, in which "$ref" means nothing. */
const values = new Set(["const", "enum", "default", "examples"]);

/** References into the schema itself, once it is a part of another. */
function movedTo(place: string, schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map((part) => movedTo(place, part));
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      const isReference = key === "$ref" && typeof value === "string" && value.startsWith("#");
      if (isReference) return [key, place + value.slice(1)];
      return [key, values.has(key) ? value : movedTo(place, value)];
    }),
  );
}
