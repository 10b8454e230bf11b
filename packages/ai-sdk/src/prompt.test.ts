import { type LanguageModelV3Prompt, UnsupportedFunctionalityError } from "@ai-sdk/provider";
import { expect, test } from "vitest";
import { chatMessages } from "./prompt.ts";

const call = { type: "tool-call", toolCallId: "c1", toolName: "weather", input: { city: "Paris" } } as const;
type Output = Extract<
  Extract<LanguageModelV3Prompt[number], { role: "tool" }>["content"][number],
  { type: "tool-result" }
>["output"];

test("text, reasoning, calls and results become messages of a chat, in their order", () => {
  const messages = chatMessages([
    { role: "system", content: "Be terse." },
    {
      role: "user",
      content: [
        { type: "text", text: "Weather" },
        { type: "text", text: "?" },
      ],
    },
    {
      role: "assistant",
      content: [{ type: "reasoning", text: "Hm." }, { type: "text", text: "Let me see." }, call],
    },
    {
      role: "tool",
      content: [
        {
          type: "tool-result",
          toolCallId: "c1",
          toolName: "weather",
          output: { type: "text", value: "Sunny" },
        },
      ],
    },
  ]);
  expect(messages).toEqual([
    { role: "system", content: "Be terse." },
    { role: "user", content: "Weather?" },
    {
      role: "assistant",
      content: "Let me see.",
      reasoning: "Hm.",
      toolCalls: [{ id: "c1", name: "weather", arguments: { city: "Paris" } }],
    },
    { role: "tool", toolCallId: "c1", content: "Sunny" },
  ]);
});

test.each<[Output, string]>([
  [{ type: "text", value: "Sunny" }, "Sunny"],
  [{ type: "json", value: { sky: "blue" } }, '{"sky":"blue"}'],
  [{ type: "error-text", value: "No station." }, "No station."],
  [{ type: "error-json", value: [404] }, "[404]"],
  [{ type: "execution-denied", reason: "Not now." }, "Not now."],
  [{ type: "execution-denied" }, "The call was denied."],
  [
    {
      type: "content",
      value: [
        { type: "text", text: "Sun" },
        { type: "text", text: "ny" },
      ],
    },
    "Sunny",
  ],
])("the result %j is told as text", (output, content) => {
  const part = { type: "tool-result", toolCallId: "c1", toolName: "weather", output } as const;
  const expected = { role: "tool", toolCallId: "c1", content };
  expect(chatMessages([{ role: "tool", content: [part] }])).toEqual([expected]);
  const [, inAnswer] = chatMessages([{ role: "assistant", content: [call, part] }]);
  expect(inAnswer).toEqual(expected);
});

test("input that some model wrote wrongly stays in the conversation", () => {
  const [message] = chatMessages([{ role: "assistant", content: [{ ...call, input: '{"city": ' }] }]);
  expect(message).toMatchObject({ toolCalls: [{ arguments: { input: '{"city": ' } }] });
});

test.each<LanguageModelV3Prompt[number]>([
  { role: "user", content: [{ type: "file", mediaType: "image/png", data: "" }] },
  { role: "assistant", content: [{ type: "file", mediaType: "image/png", data: "" }] },
  { role: "tool", content: [{ type: "tool-approval-response", approvalId: "a", approved: true }] },
  {
    role: "tool",
    content: [
      {
        type: "tool-result",
        toolCallId: "c1",
        toolName: "weather",
        output: { type: "content", value: [{ type: "image-url", url: "https://example.com/a.png" }] },
      },
    ],
  },
])("a part that is not text is refused by name: %j", (message) => {
  expect(() => chatMessages([message])).toThrow(UnsupportedFunctionalityError);
  expect(() => chatMessages([message])).toThrow(/"(file|tool-approval-response|image-url)"/);
});
