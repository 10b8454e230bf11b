import { expect, test } from "vitest";
import { parseRequest } from "../request/parse-request.ts";
import { responsesSchema } from "../request/responses-request.ts";
import { inputMessages } from "./input.ts";

const messagesOf = (input: unknown) => inputMessages(parseRequest(responsesSchema, { model: "m", input }));

test("What an answer consisted of becomes one message of the assistant again.", () => {
  const call = { type: "function_call", call_id: "a", name: "weather", arguments: '{"city":"Paris"}' };
  const items = [
    { role: "developer", content: "Be brief." },
    {
      role: "user",
      content: [
        { type: "input_text", text: "What is the weather " },
        { type: "input_text", text: "in Paris?" },
      ],
    },
    { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "I must look." }] },
    { type: "message", role: "assistant", content: [{ type: "output_text", text: "Let me see." }] },
    call,
    { ...call, call_id: "b" },
    { type: "function_call_output", call_id: "a", output: "sunny" },
    { type: "function_call_output", call_id: "b", output: [{ type: "input_text", text: "sunny" }] },
    { type: "reasoning", summary: [{ type: "summary_text", text: "Sunny." }] },
    { role: "assistant", content: "Sunny." },
    { role: "assistant", content: "Very." },
  ];
  const toolCalls = ["a", "b"].map((id) => ({ id, name: "weather", arguments: { city: "Paris" } }));
  expect(messagesOf(items)).toEqual([
    { role: "system", content: "Be brief." },
    { role: "user", content: "What is the weather in Paris?" },
    { role: "assistant", reasoning: "I must look.", content: "Let me see.", toolCalls },
    { role: "tool", toolCallId: "a", content: "sunny" },
    { role: "tool", toolCallId: "b", content: "sunny" },
    { role: "assistant", reasoning: "Sunny.", content: "Sunny." },
    { role: "assistant", content: "Very." },
  ]);
});

test.each([
  [[{ type: "item_reference", id: "x" }], "input[0].type"],
  [[{ role: "user", content: [{ type: "input_image", image_url: "x" }] }], "input[0].content[0].type"],
  [[{ role: "robot", content: "x" }], "input[0].role"],
  [[{ type: "function_call", call_id: "a", name: "b", arguments: "[" }], "input[0].arguments"],
  [[], "input"],
  [undefined, "input"],
])("%j is refused, and %s is named.", (input, param) => {
  expect(() => messagesOf(input)).toThrow(
    expect.objectContaining({ body: { error: expect.objectContaining({ param }) } }),
  );
});
