import fc from "fast-check";
import { expect, test } from "vitest";
import { ApiError } from "../api-error.ts";
import { chatSchema } from "./chat-request.ts";
import { completionSchema } from "./completion-request.ts";
import { generationFields } from "./generation-fields.ts";
import { parseRequest } from "./parse-request.ts";

function problemOf(run: () => unknown): { param: string | null; code: string; message: string } | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).status).toBe(400);
    return (JSON.parse(JSON.stringify((error as ApiError).body)) as never as { error: never }).error;
  }
}

test("Any value is parsed, or refused with a message; nothing else happens.", () => {
  fc.assert(
    fc.property(fc.anything(), (body) => {
      for (const parse of [
        () => parseRequest(chatSchema, body),
        () => parseRequest(completionSchema, body),
      ]) {
        const problem = problemOf(parse);
        if (problem !== undefined) expect(problem.message).toMatch(/^[A-Z].*\.$/s);
      }
    }),
  );
});

test("Whatever is in a field, it is the field that is named.", () => {
  const fields = Object.keys(generationFields);
  fc.assert(
    fc.property(fc.constantFrom(...fields), fc.anything(), (field, value) => {
      const problem = problemOf(() =>
        parseRequest(completionSchema, { model: "m", prompt: "a", [field]: value }),
      );
      if (problem !== undefined) expect(problem.param).toMatch(new RegExp(`^${field}($|[.[])`));
    }),
  );
});

test("Roles, contents and calls of a message are named by their place.", () => {
  const parse = (message: unknown) =>
    problemOf(() =>
      parseRequest(chatSchema, { model: "m", messages: [{ role: "user", content: "a" }, message] }),
    );
  expect(parse({ role: "user", content: [{ type: "text", text: 1 }] })).toMatchObject({
    param: "messages[1].content[0].text",
    code: "invalid_type",
  });
  expect(parse({ role: "tool", content: "a" })).toMatchObject({
    param: "messages[1].tool_call_id",
    code: "missing_required_parameter",
  });
  expect(
    parse({ role: "assistant", tool_calls: [{ id: "a", type: "function", function: {} }] }),
  ).toMatchObject({
    param: "messages[1].tool_calls[0].function.name",
  });
  expect(parse({ role: "assistant", content: null })).toBeUndefined();
});

test("Messages of numbers out of range are OpenAI's.", () => {
  const parse = (options: object) =>
    problemOf(() => parseRequest(completionSchema, { model: "m", prompt: "a", ...options }));
  expect(parse({ temperature: 3 })).toMatchObject({
    message: "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
    code: "decimal_above_max_value",
  });
  expect(parse({ max_tokens: 0 })).toMatchObject({
    message: "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.",
    code: "integer_below_min_value",
  });
});
