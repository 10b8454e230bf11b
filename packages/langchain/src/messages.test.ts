import { AIMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { UnsupportedError } from "@trtllm-node/core";
import { expect, test } from "vitest";
import { chatMessages, tellSchema } from "./messages.ts";

test("Each kind of message has its role, and parts of text are joined.", () => {
  const call = { id: "a", name: "weather", args: { city: "Paris" } };
  const messages = [
    new SystemMessage("Be brief."),
    new HumanMessage({
      content: [
        { type: "text", text: "What is the weather " },
        { type: "text", text: "in Paris?" },
      ],
    }),
    new AIMessage({
      content: "",
      tool_calls: [call],
      additional_kwargs: { reasoning_content: "I must look." },
    }),
    new ToolMessage({ content: "sunny", tool_call_id: "a" }),
  ];
  expect(chatMessages(messages)).toEqual([
    { role: "system", content: "Be brief." },
    { role: "user", content: "What is the weather in Paris?" },
    {
      role: "assistant",
      content: "",
      reasoning: "I must look.",
      toolCalls: [{ id: "a", name: "weather", arguments: { city: "Paris" } }],
    },
    { role: "tool", toolCallId: "a", content: "sunny" },
  ]);
});

test("An answer in standard blocks is the same message as one in LangChain's older form.", () => {
  const blocks = new AIMessage({
    contentBlocks: [
      { type: "reasoning", reasoning: "Hm." },
      { type: "text", text: "Let me see." },
      { type: "tool_call", id: "a", name: "weather", args: { city: "Paris" } },
    ],
  });
  expect(chatMessages([blocks])).toEqual([
    {
      role: "assistant",
      content: "Let me see.",
      reasoning: "Hm.",
      toolCalls: [{ id: "a", name: "weather", arguments: { city: "Paris" } }],
    },
  ]);
});

test("What is not text, or no message of a chat, is refused.", () => {
  const image = new HumanMessage({ content: [{ type: "image_url", image_url: "data:," }] });
  expect(() => chatMessages([image])).toThrow(UnsupportedError);
  expect(() => chatMessages([new RemoveMessage({ id: "a" })])).toThrow(/"remove"/);
});

test("A schema is told in the system message, of which there is one.", () => {
  const user = { role: "user" as const, content: "Ada" };
  const told = 'Answer with JSON that fits this schema: {"type":"object"}';
  expect(tellSchema({ type: "object" }, [user])).toEqual([{ role: "system", content: told }, user]);
  const system = { role: "system" as const, content: "Be brief." };
  expect(tellSchema({ type: "object" }, [system, user])).toEqual([
    { role: "system", content: `Be brief.\n\n${told}` },
    user,
  ]);
});
