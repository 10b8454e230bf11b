import { z } from "zod";
import { unknownOption } from "./unknown-option.ts";

/** Everything wrong with `value`, one sentence each; empty where it fits `schema`. */
export function problems(schema: z.ZodObject, value: unknown): string[] {
  const result = schema.safeParse(value);
  if (result.success) return [];
  return result.error.issues.map((issue) => {
    if (issue.code === "unrecognized_keys") return unknownKeys(schema, issue.path, issue.keys);
    return `${issue.path.join(".") || "What was given"} is ${show(valueAt(value, issue.path))}. ${issue.message}.`;
  });
}

function unknownKeys(schema: z.ZodObject, path: PropertyKey[], keys: string[]): string {
  const known = Object.keys(objectAt(schema, path).shape);
  return keys.map((key) => unknownOption([...path, key], known)).join(" ");
}

function objectAt(schema: z.ZodObject, path: PropertyKey[]): z.ZodObject {
  return path.reduce<z.ZodObject>((object, key) => {
    return withoutWrappers(object.shape[key as string]) as z.ZodObject;
  }, schema);
}

/** The schema inside of optional ones and of ones with a default. */
function withoutWrappers(schema: unknown): unknown {
  const wrapped =
    schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  return wrapped ? withoutWrappers(schema.unwrap()) : schema;
}

function valueAt(value: unknown, path: PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
