import { InvalidRequestError } from "@trtllm-node/core";
import { Ajv2020 } from "ajv/dist/2020.js";
import * as z from "zod/v4/core";
import { withinTimeLimit } from "../time-limit.ts";

/** A JSON Schema, draft 2020-12, as a plain object. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** What describes a value: a schema of zod 4, or a JSON Schema. */
export type Schema<T = unknown> = z.$ZodType<T> | JsonSchema;

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/** A schema in both its uses: shown to the model, and held against what the model wrote. */
export interface CompiledSchema<T> {
  readonly jsonSchema: JsonSchema;
  /** `value` is what zod makes of the input (defaults, transforms); with a JSON Schema the input itself. */
  check(value: unknown): Checked<T>;
}

const compiled = new WeakMap<object, CompiledSchema<unknown>>();

/**
 * Compiles a schema once.
 * @param name of the option, for the message
 * @throws InvalidRequestError: not a schema, or a zod schema that JSON Schema cannot express
 */
export function compileSchema<T>(schema: Schema<T>, name: string): CompiledSchema<T> {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) {
    throw new InvalidRequestError(
      `${name} must be a zod schema or a JSON Schema object, but is ${JSON.stringify(schema) ?? String(schema)}.`,
    );
  }
  const known = compiled.get(schema) as CompiledSchema<T> | undefined;
  if (known !== undefined) return known;
  try {
    const fresh = isZod(schema) ? fromZod(schema) : fromJsonSchema<T>(schema);
    compiled.set(schema, fresh);
    return fresh;
  } catch (error) {
    throw new InvalidRequestError(
      `${name} is no schema that can be used: ${(error as Error).message}. Use zod types that JSON Schema can express, or a valid JSON Schema.`,
      { cause: error },
    );
  }
}

/** Not `instanceof`: the application may have its own copy of zod. */
function isZod<T>(schema: Schema<T>): schema is z.$ZodType<T> {
  return "_zod" in schema;
}

function fromZod<T>(schema: z.$ZodType<T>): CompiledSchema<T> {
  return {
    // What the model writes is the input of a transform, not its output.
    jsonSchema: z.toJSONSchema(schema, { io: "input", override: withoutLookAround }) as JsonSchema,
    check(value) {
      const result = z.safeParse(schema, value);
      if (result.success) return { ok: true, value: result.data };
      return { ok: false, problem: z.prettifyError(result.error) };
    },
  };
}

/** Formats by which an answer can be guided. */
const guidedFormats = new Set(["date", "time", "date-time", "uuid", "ipv4", "email"]);

/** No grammar has look-around: where zod writes a format both by name and so, the name guides, and zod checks. */
function withoutLookAround({ jsonSchema }: { readonly jsonSchema: z.JSONSchema.BaseSchema }): void {
  const { format = "", pattern = "" } = jsonSchema;
  if (guidedFormats.has(format) && /\(\?<?[=!]/.test(pattern)) delete jsonSchema.pattern;
}

function fromJsonSchema<T>(jsonSchema: JsonSchema): CompiledSchema<T> {
  // Unknown keywords and formats are annotations, as the standard says.
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const { $schema: _, ...schema } = jsonSchema;
  // A pattern may backtrack for ever on what a model wrote.
  const validate = withinTimeLimit(() => ajv.compile<T>(schema));
  return {
    jsonSchema,
    check(value) {
      try {
        if (withinTimeLimit(() => validate(value))) return { ok: true, value: value as T };
      } catch (error) {
        return { ok: false, problem: `checking it against the schema failed: ${(error as Error).message}` };
      }
      return { ok: false, problem: ajv.errorsText(validate.errors, { dataVar: "value" }) };
    },
  };
}
