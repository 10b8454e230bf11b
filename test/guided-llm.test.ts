import { Executor, InvalidRequestError } from "@trtllm-node/core";
import { LLM } from "@trtllm-node/runtime";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { modelPath } from "./support/model.ts";

let llm: LLM;
beforeAll(async () => {
  llm = await LLM.load(modelPath("Q4_0"));
});
afterAll(() => llm.dispose());

const person = {
  type: "object",
  properties: {
    name: { type: "string", pattern: "^[A-Z][a-z]{1,9}( [A-Z][a-z]{1,9})?$" },
    born: { type: "integer", minimum: 1000, maximum: 2030 },
    score: { type: "number", minimum: 0, maximum: 1 },
    kind: { enum: ["scientist", "artist"] },
    tags: { type: "array", items: { type: "string", pattern: "^[a-z]{2,8}$" }, maxItems: 3 },
  },
  required: ["name", "born", "score", "kind", "tags"],
  additionalProperties: false,
};

test("A real model at temperature 1.5 writes valid documents, many at once, and stops after them.", async () => {
  const validate = new Ajv2020().compile(person);
  const results = await Promise.all(
    Array.from({ length: 6 }, (_, seed) =>
      llm.generate("Ada Lovelace as JSON:", {
        guided: { jsonSchema: person },
        temperature: 1.5,
        seed,
        maxTokens: 160,
      }),
    ),
  );
  const whole = results.filter(({ finishReason }) => finishReason === "end");
  expect(whole.length).toBeGreaterThan(2);
  for (const { text } of whole) {
    const document: unknown = JSON.parse(text);
    expect(validate(document), `${text}: ${JSON.stringify(validate.errors)}`).toBe(true);
  }
});

test("A regular expression and a grammar guide the same way, greedily too.", async () => {
  const date = await llm.generate("The moon landing was on", {
    guided: { regex: "\\d{4}-\\d{2}-\\d{2}" },
    maxTokens: 40,
  });
  expect(date.text).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  const answer = await llm.generate("Is water wet? Answer yes or no:", {
    guided: { grammar: 'root ::= "yes" | "no"' },
    maxTokens: 8,
  });
  expect(["yes", "no"]).toContain(answer.text);
});

test("Whole numbers as zod writes them need no grammar of all their digits.", async () => {
  const schema = z.object({ born: z.number().int(), age: z.number().int().nonnegative().lt(200) });
  const object = await llm.generateObject("Ada, born in 1815, died at 36", schema, { maxTokens: 40 });
  expect(schema.safeParse(object).success).toBe(true);
});

test("A schema that cannot be held to rejects its request alone, and says why.", async () => {
  const good = llm.generate("Count:", { guided: { regex: "[0-9]{3}" }, maxTokens: 8 });
  const bad = llm.generate("Count:", {
    guided: { jsonSchema: { type: "integer", multipleOf: 3 } },
    maxTokens: 8,
  });
  await expect(bad).rejects.toThrow(InvalidRequestError);
  await expect(bad).rejects.toThrow('"multipleOf" of an integer is not supported');
  expect((await good).text).toMatch(/^[0-9]{3}$/);
});

test("Log-probabilities of a guided answer are the model's own, one for each token.", async () => {
  await using executor = await Executor.create(modelPath("Q4_0"));
  const tokens = executor.vocabulary!.tokenize("Yes or no?");
  const endId = executor.vocabulary!.eosId;
  const guided = executor.submit({
    tokens,
    maxTokens: 1,
    endId,
    guided: { grammar: 'root ::= "no"' },
    logProbs: true,
  });
  const { logProbs, tokens: answer } = await guided.result;
  expect(answer.length).toBe(1);
  expect(logProbs![0]).toBeLessThan(0);
});

test("A call that is required has arguments of the tool's schema, at any temperature.", async () => {
  const when = { type: "string", enum: ["today", "tomorrow"] };
  const parameters = {
    type: "object",
    properties: { city: { type: "string", pattern: "^[A-Z][a-z]{2,12}$" }, when: { $ref: "#/$defs/when" } },
    required: ["city", "when"],
    additionalProperties: false,
    $defs: { when },
  };
  const tools = [
    { name: "weather", parameters },
    { name: "time", parameters: { ...parameters, properties: { city: { enum: ["Rome"] }, when } } },
  ];
  const messages = [{ role: "user", content: "What is the weather in Paris?" }] as const;
  for (const toolChoice of ["required", { tool: "weather" }] as const) {
    for (const result of await Promise.all(
      llm
        .chatSeveral(messages, 3, { tools, toolChoice, temperature: 1.5, maxTokens: 96 })
        .map((stream) => stream.result),
    )) {
      expect(result.toolCallErrors.filter(({ reason }) => reason !== "incomplete")).toEqual([]);
      if (result.finishReason === "length") continue;
      expect(result.finishReason).toBe("tool-calls");
      expect(result.toolCalls).toHaveLength(1);
      expect(["today", "tomorrow"]).toContain(result.toolCalls[0]!.arguments.when);
    }
  }
});
