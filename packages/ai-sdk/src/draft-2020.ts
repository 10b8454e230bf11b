import type { JsonSchema } from "@trtllm-node/runtime";

const inMap = ["properties", "patternProperties", "definitions", "$defs"];
const inList = ["allOf", "anyOf", "oneOf"];
const single = ["not", "if", "then", "else", "contains", "propertyNames", "additionalProperties", "items"];

/** A JSON Schema of draft 7, as the AI SDK writes it, in draft 2020-12: tuples and dependencies changed names. */
export function toDraft2020(schema: JsonSchema): JsonSchema {
  const { $schema: _, items, additionalItems, dependencies, ...rest } = schema;
  const changed: Record<string, unknown> = rest;
  if (Array.isArray(items)) {
    changed.prefixItems = items;
    if (additionalItems !== undefined) changed.items = additionalItems;
  } else if (items !== undefined) changed.items = items;
  for (const [name, value] of Object.entries((dependencies ?? {}) as JsonSchema)) {
    const keyword = Array.isArray(value) ? "dependentRequired" : "dependentSchemas";
    changed[keyword] = { ...(changed[keyword] as object | undefined), [name]: value };
  }
  return Object.fromEntries(
    Object.entries(changed).map(([keyword, value]) => [keyword, inside(keyword, value)]),
  );
}

function inside(keyword: string, value: unknown): unknown {
  if (single.includes(keyword)) return convert(value);
  if ([...inList, "prefixItems"].includes(keyword) && Array.isArray(value)) return value.map(convert);
  if ([...inMap, "dependentSchemas"].includes(keyword) && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, convert(schema)]));
  }
  return value;
}

/** Booleans are schemas too. */
function convert(schema: unknown): unknown {
  return isObject(schema) ? toDraft2020(schema) : schema;
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
