import type { JsonSchema } from "@trtllm-node/runtime";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { toDraft2020 } from "./draft-2020.ts";

const keys = ["a", "items", "properties"];
const { schema: draft7 } = fc.letrec<{ schema: JsonSchema | boolean; object: JsonSchema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(true, false, { type: "string" }, { type: "number" }),
    tie("object"),
  ),
  object: fc.record(
    {
      type: fc.constantFrom("object", "array", ["object", "array", "string"]),
      items: fc.oneof(tie("schema"), fc.array(tie("schema"), { minLength: 1, maxLength: 2 })),
      additionalItems: tie("schema"),
      properties: fc.dictionary(fc.constantFrom(...keys), tie("schema"), { maxKeys: 2 }),
      dependencies: fc.dictionary(
        fc.constantFrom(...keys),
        fc.oneof(fc.uniqueArray(fc.constantFrom(...keys)), tie("schema")),
        { maxKeys: 2 },
      ),
      anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 2 }),
      not: tie("schema"),
      enum: fc.constant([{ items: [1] }, [1, "a"], "a", 1]),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<JsonSchema>,
}));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom("a", 1, null),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 3 }),
  ),
}));

/** Of some nested dependentSchemas Ajv 8.20 makes code that cannot run. */
function judge(validate: (value: unknown) => unknown, value: unknown): unknown {
  try {
    return validate(value);
  } catch (error) {
    fc.pre(!(error instanceof ReferenceError));
    throw error;
  }
}

test("a schema of draft 7 says the same in draft 2020-12, as Ajv reads both", () => {
  fc.assert(
    fc.property(draft7, fc.array(value, { minLength: 5, maxLength: 5 }), (schema, values) => {
      const before = new Ajv({ strict: false }).compile(schema);
      const after = new Ajv2020({ strict: false }).compile(
        typeof schema === "boolean" ? schema : toDraft2020(schema),
      );
      for (const each of values) expect(judge(after, each)).toBe(before(each));
    }),
    { numRuns: 200 },
  );
});

test("what zod writes for draft 7, with tuples, is valid in draft 2020-12 and means the same", () => {
  const schema = z.object({ at: z.tuple([z.number(), z.string()]), items: z.array(z.number()).optional() });
  const converted = toDraft2020(z.toJSONSchema(schema, { target: "draft-7" }) as JsonSchema);
  const validate = new Ajv2020({ strict: true, strictTuples: false }).compile(converted);
  for (const value of [
    { at: [1, "a"] },
    { at: ["a", 1] },
    { at: [1, "a"], items: [1] },
    { at: [1, "a"], items: 1 },
  ]) {
    expect(validate(value)).toBe(schema.safeParse(value).success);
  }
});
