import { QueueFullError } from "@trtllm-node/core";
import {
  APICallError,
  generateText,
  InvalidToolInputError,
  jsonSchema,
  NoSuchToolError,
  stepCountIs,
  streamText,
  tool,
} from "ai";
import { expect, test } from "vitest";
import { z } from "zod";
import { says, scriptedModel } from "../test/scripted-model.ts";
import { createTrtllm, trtllm } from "./index.ts";

const call = (name: string, values: string) =>
  `<tool_call>\n{"name": "${name}", "arguments": ${values}}\n</tool_call>`;
const weather = tool({
  description: "The weather of a city",
  inputSchema: z.object({ city: z.string(), at: z.tuple([z.number(), z.number()]).optional() }),
  execute: async ({ city }) => ({ city, sky: "sunny" }),
});

test("generateText calls tools over several steps, and their results are in the prompt", async () => {
  const { model, promptText } = await scriptedModel(
    says(
      `<think>Two cities.</think>${call("weather", '{"city": "Paris", "at": [48.9, 2.4]}')}${call("weather", '{"city": "Rome"}')}`,
    ),
    says("Sunny in both."),
  );
  const { text, steps, totalUsage } = await generateText({
    model,
    prompt: "Weather in Paris and Rome?",
    tools: { weather },
    stopWhen: stepCountIs(5),
  });
  expect(text).toBe("Sunny in both.");
  expect(steps.map(({ finishReason }) => finishReason)).toEqual(["tool-calls", "stop"]);
  expect(steps[0]!.reasoningText).toBe("Two cities.");
  expect(steps[0]!.toolCalls.map(({ input }) => input)).toEqual([
    { city: "Paris", at: [48.9, 2.4] },
    { city: "Rome" },
  ]);
  expect(promptText(1)).toContain('{"city":"Paris","sky":"sunny"}');
  expect(promptText(1)).toContain('{"city":"Rome","sky":"sunny"}');
  expect(totalUsage.outputTokens).toBe(steps[0]!.usage.outputTokens! + "Sunny in both.".length);
});

test("streamText streams reasoning, text and the input of a tool", async () => {
  const { model } = await scriptedModel(
    says(`<think>Hm.</think>Let me see.\n${call("weather", '{"city": "Paris"}')}`),
    says("Sunny."),
  );
  const result = streamText({ model, prompt: "Weather?", tools: { weather }, stopWhen: stepCountIs(2) });
  const parts: string[] = [];
  let input = "";
  for await (const part of result.fullStream) {
    if (part.type === "tool-input-delta") input += part.delta;
    if (part.type !== parts.at(-1)) parts.push(part.type);
  }
  expect(JSON.parse(input)).toEqual({ city: "Paris" });
  const first = [
    ...["reasoning-start", "reasoning-delta", "reasoning-end"],
    ...["text-start", "text-delta", "text-end"],
    ...["tool-input-start", "tool-input-delta", "tool-input-end", "tool-call", "tool-result"],
  ];
  expect(parts).toEqual([
    "start",
    ...["start-step", ...first, "finish-step"],
    ...["start-step", "text-start", "text-delta", "text-end", "finish-step"],
    "finish",
  ]);
  expect(await result.text).toBe("Sunny.");
});

test.each([
  ["an unknown tool", call("whether", '{"city": "Paris"}'), NoSuchToolError],
  ["arguments that do not fit", call("weather", '{"town": "Paris"}'), InvalidToolInputError],
  ["arguments that are no object", call("weather", "5"), InvalidToolInputError],
  ["arguments that are no JSON", call("weather", '{"city": Paris}'), InvalidToolInputError],
])("a call with %s is told to the model, which may try again", async (_, wrong, error) => {
  const { model, promptText } = await scriptedModel(
    says(wrong),
    says(call("weather", '{"city": "Paris"}')),
    says("Sunny."),
  );
  const { steps, text } = await generateText({
    model,
    prompt: "Weather?",
    tools: { weather },
    stopWhen: stepCountIs(3),
  });
  const [attempt] = steps[0]!.toolCalls;
  expect(attempt).toMatchObject({ invalid: true });
  expect((attempt as unknown as { error: Error }).error).toBeInstanceOf(error);
  expect(promptText(1)).toContain("<tool_response>");
  expect(text).toBe("Sunny.");
});

test("a call can be repaired", async () => {
  const { model } = await scriptedModel(says(call("weather", '{"town": "Paris"}')));
  const { toolResults } = await generateText({
    model,
    prompt: "Weather?",
    tools: { weather },
    experimental_repairToolCall: async ({ toolCall }) => ({
      ...toolCall,
      input: toolCall.input.replace("town", "city"),
    }),
  });
  expect(toolResults).toMatchObject([{ output: { city: "Paris", sky: "sunny" } }]);
});

test("a call that maxOutputTokens cuts off is not executed", async () => {
  let executed = 0;
  const count = tool({ inputSchema: jsonSchema({ type: "object" }), execute: async () => executed++ });
  const script = says('<tool_call>{"name": "count", "arguments": {"a"', { finishReason: "length" });
  const { model } = await scriptedModel(script);
  const { finishReason } = await generateText({
    model,
    prompt: "Count",
    tools: { count },
    stopWhen: stepCountIs(3),
  });
  expect(finishReason).toBe("length");
  expect(executed).toBe(0);
});

test("a full queue is tried again by the AI SDK", async () => {
  const { llm } = await scriptedModel(says("Yes"));
  let calls = 0;
  const model = trtllm({
    engine: llm.engine,
    tokenizer: llm.tokenizer,
    chat: (...given) => {
      if (calls++ === 0) throw new QueueFullError("Full.");
      return llm.chat(...given);
    },
  });
  expect((await generateText({ model, prompt: "Hi", maxRetries: 1 })).text).toBe("Yes");
  calls = 0;
  const once = generateText({ model, prompt: "Hi", maxRetries: 0 });
  await expect(once).rejects.toSatisfy((error) => APICallError.isInstance(error));
});

test("an image in the prompt is refused by name", async () => {
  const { llm } = await scriptedModel(says("Yes"));
  const model = createTrtllm({ engines: { small: llm } })("small");
  const content = [{ type: "image" as const, image: new Uint8Array([1]), mediaType: "image/png" }];
  await expect(generateText({ model, messages: [{ role: "user", content }] })).rejects.toMatchObject({
    name: "AI_UnsupportedFunctionalityError",
  });
});
