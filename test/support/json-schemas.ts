import fc from "fast-check";

type Schema = Record<string, unknown>;

/** Characters that the vocabulary of native-shim's guided_samples can write. */
const text = fc.string({
  unit: fc.constantFrom(...'abcdefglmnorstuxyzA_@/()*019 "\\\n\té'),
  minLength: 1,
  maxLength: 6,
});

const bounds = (least: number, most: number, low: string, high: string): fc.Arbitrary<Schema> =>
  fc
    .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))
    .map(([a, b]) => ({ [low]: Math.min(a, b), [high]: Math.max(a, b) }));

const value = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null));

const leaf: fc.Arbitrary<Schema> = fc.oneof(
  fc.constant({ type: "string" }),
  bounds(0, 12, "minLength", "maxLength").map((length) => ({ type: "string", ...length })),
  fc
    .constantFrom(
      "^[a-z]{2,4}$",
      "^\\d+(\\.\\d+)?$",
      '^(a|b)*"\\\\?$',
      "^.{3}$",
      "[^a]",
      "^\\S\\s\\w$",
      "^[!-~]{1,5}$",
    )
    .map((pattern) => ({ type: "string", pattern })),
  fc.constantFrom("date", "uuid", "ipv4", "date-time").map((format) => ({ type: "string", format })),
  fc.constant({ type: "integer" }),
  bounds(-1000, 1000, "minimum", "maximum").map((range) => ({ type: "integer", ...range })),
  bounds(-1000, 1000, "exclusiveMinimum", "maximum").map((range) => ({
    type: "integer",
    exclusiveMinimum: Number(range.exclusiveMinimum) - 1,
    maximum: range.maximum,
  })),
  fc.constant({ type: "number" }),
  bounds(-50, 50, "minimum", "maximum").map((range) => ({ type: "number", ...range })),
  fc.constantFrom(
    { type: "boolean" },
    { type: "null" },
    { type: ["string", "null"] },
    { type: ["integer", "boolean"] },
  ),
  fc.uniqueArray(value, { minLength: 1, maxLength: 4 }).map((options) => ({ enum: options })),
  fc.oneof(value, fc.array(value, { maxLength: 3 })).map((constant) => ({ const: constant })),
  fc.constant({ $ref: "#/$defs/tree" }),
);

/** Schemas of every keyword that guided decoding supports. */
export const jsonSchema: fc.Arbitrary<Schema> = fc
  .letrec<{ node: Schema; array: Schema; tuple: Schema; object: Schema; choice: Schema }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      tie("array"),
      tie("tuple"),
      tie("object"),
      tie("choice"),
    ),
    array: fc
      .tuple(tie("node"), bounds(0, 4, "minItems", "maxItems"))
      .map(([items, length]) => ({ type: "array", items, ...length })),
    tuple: fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map((prefixItems) => ({
      type: "array",
      prefixItems,
      items: false,
      minItems: prefixItems.length,
    })),
    object: fc
      .tuple(
        fc.dictionary(text, fc.tuple(tie("node"), fc.boolean()), { maxKeys: 4 }),
        fc.constantFrom<Schema[]>(
          {},
          { additionalProperties: false },
          { additionalProperties: { type: "boolean" } },
        ),
      )
      .map(([members, rest]) => {
        // Where others may be added, one of them could be named like a property: those must all be there.
        const open = typeof rest.additionalProperties === "object";
        const required = Object.keys(members).filter((name) => open || members[name]?.[1]);
        const properties = Object.fromEntries(Object.entries(members).map(([name, [node]]) => [name, node]));
        return { type: "object", properties, required, ...rest };
      }),
    choice: fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
  }))
  .node.map((root) => ({
    $defs: {
      tree: {
        type: "object",
        properties: {
          id: { type: "boolean" },
          next: { type: "array", items: { $ref: "#/$defs/tree" }, maxItems: 1 },
        },
        required: ["id"],
      },
    },
    ...root,
  }));
