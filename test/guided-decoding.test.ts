import { Script } from "node:vm";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { expect, test } from "vitest";
import { guidedSamples } from "./support/guided-samples.ts";
import { jsonSchema } from "./support/json-schemas.ts";

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv, { mode: "fast" }); // their syntax: a grammar knows no calendar

/** A number beyond a double's range is JSON all the same. */
function parse(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown) =>
    value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY ? 0 : value,
  );
}

test("Of a thousand random schemas at temperature 1.5, every whole answer is valid.", () => {
  const schemas = fc.sample(jsonSchema, { numRuns: 1000, seed: 1 });
  const samples = guidedSamples(
    schemas.map((schema) => ({ jsonSchema: JSON.stringify(schema) })),
    1500,
  );
  const whole = samples.filter((sample) => sample.complete);
  const refused = samples.flatMap(({ error }, index) => (error ? [{ error, schema: schemas[index] }] : []));
  expect(refused).toEqual([]);
  expect(whole.length).toBeGreaterThan(950);
  const invalid = samples.flatMap((sample, index) => {
    const schema = schemas[index]!;
    if (!sample.complete) return [];
    const validate = ajv.compile(schema);
    return validate(parse(sample.text!)) ? [] : [{ text: sample.text, schema: JSON.stringify(schema) }];
  });
  expect(invalid).toEqual([]);
});

/** Regular expressions over what the vocabulary of guided_samples can write. */
const regularExpression = fc.letrec<{ any: string; group: string; repeated: string }>((tie) => {
  const atom = fc.constantFrom(
    "a",
    "b",
    "\\d",
    "\\w",
    "[a-d]",
    "[^a-z]",
    ".",
    "\\.",
    "\\s",
    "[!-~]",
    "é",
    "\\S",
    '"',
    "\\\\",
    "[\\]^-]",
    "\\*",
  );
  return {
    group: fc.array(tie("any"), { minLength: 1, maxLength: 3 }).map((choices) => `(?:${choices.join("|")})`),
    repeated: fc
      .tuple(fc.oneof(atom, tie("group")), fc.constantFrom("", "?", "{2}", "{1,3}", "*", "+", "+?"))
      .map((parts) => parts.join("")),
    any: fc
      .array(fc.oneof({ maxDepth: 3 }, atom, tie("repeated")), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join("")),
  };
}).any;

test("Of random regular expressions, every whole answer matches as RegExp sees it.", () => {
  const expressions = fc.sample(regularExpression, { numRuns: 500, seed: 2 });
  const samples = guidedSamples(
    expressions.map((regex) => ({ regex })),
    300,
  );
  const wrong = samples.flatMap(({ text = "", complete, error }, index) => {
    const regex = expressions[index]!;
    return error || (complete && !new RegExp(`^(?:${regex})$`, "u").test(text))
      ? [{ regex, text, error }]
      : [];
  });
  expect(wrong).toEqual([]);
  expect(samples.filter(({ complete }) => complete).length).toBeGreaterThan(400);
});

test("A grammar in EBNF gives texts of its language: here arithmetic, as JavaScript reads it.", () => {
  const grammar = [
    "root ::= sum",
    'sum ::= product (("+" | "-") product)*',
    'product ::= atom ("*" atom)*',
    'atom ::= [1-9] [0-9]{0,3} | "(" sum ")"',
  ].join("\n");
  const samples = guidedSamples(
    Array.from({ length: 200 }, () => ({ grammar })),
    1000,
  );
  const whole = samples.filter(({ complete }) => complete);
  expect(whole.length).toBeGreaterThan(100);
  for (const { text = "" } of whole) {
    expect(text).toMatch(/^[\d()+*-]+$/);
    expect(new Script(text).runInNewContext()).toBeTypeOf("number");
  }
});
