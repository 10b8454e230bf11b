import { createTrtllm, trtllm } from "@trtllm-node/ai-sdk";
import { LLM } from "@trtllm-node/runtime";
import {
  generateObject,
  generateText,
  jsonSchema,
  type ModelMessage,
  Output,
  stepCountIs,
  streamObject,
  streamText,
  tool,
} from "ai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { modelPath } from "./support/model.ts";

let llm: LLM;
beforeAll(async () => {
  llm = await LLM.load(modelPath());
});
afterAll(() => llm?.dispose());

const system = "You are a helpful assistant.";
const question = "What is the capital of France?";

test("generateText gives what the model itself says, and streamText the same", async () => {
  const options = { model: trtllm(llm), system, prompt: question, maxOutputTokens: 24 };
  const { text, usage, finishReason, warnings, response } = await generateText(options);
  const own = await llm.chat(
    [
      { role: "system", content: system },
      { role: "user", content: question },
    ],
    { maxTokens: 24 },
  ).result;
  expect(text).toBe(own.text);
  expect(text).toContain("Paris");
  expect(usage).toMatchObject({
    inputTokens: own.usage.promptTokens,
    outputTokens: own.usage.completionTokens,
    outputTokenDetails: { reasoningTokens: 0, textTokens: own.usage.completionTokens },
  });
  expect(finishReason).toBe(own.finishReason === "length" ? "length" : "stop");
  expect(warnings).toEqual([]);
  expect(response.modelId).toBe(llm.engine.name);
  const streamed = streamText(options);
  let pieces = "";
  for await (const piece of streamed.textStream) pieces += piece;
  expect(pieces).toBe(text);
  // By now all but the prompt's last block is in the KV cache.
  const { inputTokenDetails, inputTokens } = await streamed.usage;
  expect(inputTokenDetails.cacheReadTokens).toBeGreaterThan(0);
  expect(inputTokenDetails.noCacheTokens).toBe(inputTokens! - inputTokenDetails.cacheReadTokens!);
});

test("stop sequences, seeds and temperatures do what they say", async () => {
  const model = createTrtllm({ engines: { smollm2: llm } })("smollm2");
  const { text, finishReason, providerMetadata } = await generateText({
    model,
    system,
    prompt: question,
    stopSequences: ["Paris"],
    maxOutputTokens: 40,
  });
  expect(text).toMatch(/\w/);
  expect(text).not.toContain("Paris");
  expect(finishReason).toBe("stop");
  expect(providerMetadata!.trtllm).toMatchObject({ stopString: "Paris" });
  const sample = async (seed: number) =>
    (await generateText({ model, prompt: "Tell a story.", temperature: 1.2, seed, maxOutputTokens: 24 }))
      .text;
  const [first, again, other] = [await sample(1), await sample(1), await sample(2)];
  expect(again).toBe(first);
  expect(other).not.toBe(first);
});

test("a tool is called, and the model answers with its result", async () => {
  const shown: ModelMessage[] = [
    // A small model needs to see once how it goes.
    { role: "user", content: "What is the weather in London?" },
    {
      role: "assistant",
      content: [
        { type: "tool-call", toolCallId: "shown0001", toolName: "weather", input: { city: "London" } },
      ],
    },
    {
      role: "tool",
      content: [
        {
          type: "tool-result",
          toolCallId: "shown0001",
          toolName: "weather",
          output: { type: "text", value: "rain, 15 degrees" },
        },
      ],
    },
    { role: "assistant", content: "The weather in London today is rain, 15 degrees." },
    { role: "user", content: "What is the weather in Paris?" },
  ];
  const { steps, text } = await generateText({
    model: trtllm(llm),
    messages: shown,
    tools: {
      weather: tool({
        description: "The weather of a city today",
        inputSchema: jsonSchema<{ city: string }>({
          type: "object",
          properties: { city: { type: "string" } },
          required: ["city"],
        }),
        execute: async ({ city }) => (city === "Paris" ? "sunny, 24 degrees" : "unknown"),
      }),
    },
    prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? "required" : "auto" }),
    stopWhen: stepCountIs(2),
    maxOutputTokens: 48,
  });
  expect(steps[0]!.toolCalls).toMatchObject([{ toolName: "weather", input: { city: "Paris" } }]);
  expect(steps[0]!.finishReason).toBe("tool-calls");
  expect(text).toMatch(/Paris.*sunny/);
});

const person = jsonSchema<{ name: string; born: number; field: string }>({
  type: "object",
  properties: {
    name: { type: "string", pattern: "^[A-Z][a-z]{1,12} [A-Z][a-z]{1,12}$" },
    born: { type: "integer", minimum: 1000, maximum: 2030 },
    field: { enum: ["mathematics", "physics"] },
  },
  required: ["name", "born", "field"],
  additionalProperties: false,
});

test("objects fit their schema at any temperature, in generateObject, streamObject and generateText", async () => {
  const options = { model: trtllm(llm), prompt: "Ada Lovelace, born 1815", maxOutputTokens: 200 };
  const fits = {
    name: expect.stringMatching(/^[A-Z][a-z]+ [A-Z][a-z]+$/),
    born: expect.toSatisfy((born: number) => Number.isInteger(born) && born >= 1000 && born <= 2030),
    field: expect.stringMatching(/^(mathematics|physics)$/),
  };
  const { object, warnings } = await generateObject({
    ...options,
    schema: person,
    temperature: 1.5,
    seed: 1,
  });
  expect(object).toEqual(fits);
  expect(warnings).toEqual([]);
  const streamed = streamObject({ ...options, schema: person });
  const partial: unknown[] = [];
  for await (const part of streamed.partialObjectStream) partial.push(part);
  expect(partial.length).toBeGreaterThan(3);
  expect(await streamed.object).toEqual(fits);
  expect(partial.at(-1)).toEqual(await streamed.object);
  const { output } = await generateText({ ...options, output: Output.object({ schema: person }) });
  expect(output).toEqual(fits);
});

test("an abort in mid-stream ends the request, and its KV blocks are free", async () => {
  const ended = new Promise<string>((resolve) => {
    const stop = llm.observe(({ outcome }) => {
      stop();
      resolve(outcome);
    });
  });
  const controller = new AbortController();
  const { fullStream } = streamText({
    model: trtllm(llm),
    prompt: "Count from one to one thousand.",
    maxOutputTokens: 1000,
    abortSignal: controller.signal,
  });
  const types: string[] = [];
  let usedBlocks = 0;
  for await (const part of fullStream) {
    types.push(part.type);
    if (part.type !== "text-delta") continue;
    usedBlocks = llm.kvCache.stats().blocks.used;
    controller.abort();
  }
  expect(usedBlocks).toBeGreaterThan(0);
  expect(types.at(-1)).toBe("abort");
  expect(types).not.toContain("error");
  expect(await ended).toBe("aborted");
  // A request behind it shows the newest state of the cache.
  await generateText({ model: trtllm(llm), prompt: question, maxOutputTokens: 1 });
  expect(llm.kvCache.stats().blocks.used).toBe(0);
});
