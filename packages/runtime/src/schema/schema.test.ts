import { expect, test } from "vitest";
import { z } from "zod";
import { compileSchema } from "./schema.ts";

test("a pattern that backtracks for ever ends in a problem, in time", () => {
  const { check } = compileSchema({ type: "string", pattern: "^(a+)+$" }, "The schema");
  expect(check("aaa")).toEqual({ ok: true, value: "aaa" });
  expect(check("b")).toMatchObject({ ok: false });
  const checked = check(`${"a".repeat(100)}b`);
  expect(checked).toMatchObject({ ok: false, problem: expect.stringContaining("did not end") });
});

test("a format that zod also writes with look-around guides by its name, and zod checks it", () => {
  const pattern = /^(?!\.)(?!.*\.\.)[\w.+-]*[\w+-]@(?:[a-z0-9-]+\.)+[a-z]{2,}$/;
  const { jsonSchema, check } = compileSchema(z.object({ at: z.email({ pattern }) }), "The schema");
  expect(jsonSchema).toMatchObject({ properties: { at: { type: "string", format: "email" } } });
  expect(JSON.stringify(jsonSchema)).not.toContain("pattern");
  expect(check({ at: "ada@example.org" })).toMatchObject({ ok: true });
  expect(check({ at: ".ada@example.org" })).toMatchObject({ ok: false });
  const plain = compileSchema(z.string().regex(/^(?=a)b/), "The schema");
  expect(plain.jsonSchema).toHaveProperty("pattern");
});
