import { fileURLToPath } from "node:url";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { LLM } from "@trtllm-node/runtime";
import { createHandler } from "@trtllm-node/server";
import { generateObject, generateText, type ModelMessage, stepCountIs, streamText, tool } from "ai";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { modelPath } from "../support/model.ts";
import { listen } from "./listen.ts";

const model = "smollm2";
const apiKey = "sk-a-key-of-this-test";
const question = "What is the capital of France?";
const london = { city: "London" };
const rain = "rain, 15 degrees";
const sun = "sunny, 24 degrees";
const description = "The weather of a city today";
const person = z.object({ name: z.enum(["Ada", "Alan"]), born: z.number().int().min(1800).max(1999) });
const ada = "Ada Lovelace was born in 1815. Tell it as JSON.";

let llm: LLM;
let server: Awaited<ReturnType<typeof listen>>;
let baseURL: string;
/** The answer to `question`, without the server. */
let capital: string;

beforeAll(async () => {
  llm = await LLM.load(modelPath());
  server = await listen(createHandler({ [model]: llm }, { apiKeys: [apiKey] }));
  baseURL = `${server.url}/v1`;
  capital = (await llm.chat([{ role: "user", content: question }], { maxTokens: 12 }).result).text;
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await llm?.dispose();
});

describe("ChatOpenAI of LangChain", () => {
  const chat = (maxTokens: number) =>
    new ChatOpenAI({ model, apiKey, temperature: 0, maxTokens, maxRetries: 0, configuration: { baseURL } });

  it("chats, whole and streamed", async () => {
    const message = await chat(12).invoke(question);
    expect(message.content).toBe(capital);
    expect(message.usage_metadata).toMatchObject({ output_tokens: 12 });
    let text = "";
    for await (const chunk of await chat(12).stream(question)) text += chunk.text;
    expect(text).toBe(capital);
  });

  it("calls a tool and goes on with its result", async () => {
    const weather = {
      type: "function",
      function: { name: "weather", description, parameters: z.toJSONSchema(z.object({ city: z.string() })) },
    };
    const messages: BaseMessage[] = [
      // A small model needs to see once how it goes.
      new HumanMessage("What is the weather in London?"),
      new AIMessage({ content: "", tool_calls: [{ id: "shown0001", name: "weather", args: london }] }),
      new ToolMessage({ content: rain, tool_call_id: "shown0001" }),
      new AIMessage("The weather in London today is rain, 15 degrees."),
      new HumanMessage("What is the weather in Paris?"),
    ];
    const message = await chat(48).bindTools([weather], { tool_choice: "required" }).invoke(messages);
    expect(message.tool_calls).toMatchObject([{ name: "weather", args: { city: "Paris" } }]);
    const result = new ToolMessage({ content: sun, tool_call_id: message.tool_calls![0]!.id! });
    const answer = await chat(48)
      .bindTools([weather])
      .invoke([...messages, message, result]);
    expect(answer.content).toMatch(/Paris.*sunny/);
  });

  it("gets an object of a schema, over chats and over responses", async () => {
    for (const useResponsesApi of [false, true]) {
      const asked = new ChatOpenAI({
        model,
        apiKey,
        temperature: 0,
        maxTokens: 48,
        maxRetries: 0,
        useResponsesApi,
        configuration: { baseURL },
      });
      const { name, born } = await asked.withStructuredOutput(person, { method: "jsonSchema" }).invoke(ada);
      expect(["Ada", "Alan"]).toContain(name);
      expect(born).toBeGreaterThanOrEqual(1800);
    }
  });
});

describe("the AI SDK's provider of OpenAI's API", () => {
  const chatModel = () =>
    createOpenAICompatible({
      name: "own",
      baseURL,
      apiKey,
      includeUsage: true,
      supportsStructuredOutputs: true,
    })(model);
  const settings = { temperature: 0, maxRetries: 0 };

  it("chats, whole and streamed, and tells what it cost", async () => {
    const options = { model: chatModel(), prompt: question, maxOutputTokens: 12, ...settings };
    const whole = await generateText(options);
    expect(whole.text).toBe(capital);
    const streamed = streamText(options);
    expect(await streamed.text).toBe(capital);
    expect(await streamed.usage).toMatchObject({
      inputTokens: whole.usage.inputTokens,
      outputTokens: 12,
      cachedInputTokens: expect.any(Number),
    });
  });

  it("runs a tool in several steps", async () => {
    const weather = tool({
      description,
      inputSchema: z.object({ city: z.string() }),
      execute: ({ city }) => (city === "Paris" ? sun : "unknown"),
    });
    const shown = { toolCallId: "shown0001", toolName: "weather" };
    const messages: ModelMessage[] = [
      { role: "user", content: "What is the weather in London?" },
      { role: "assistant", content: [{ type: "tool-call", ...shown, input: london }] },
      { role: "tool", content: [{ type: "tool-result", ...shown, output: { type: "text", value: rain } }] },
      { role: "assistant", content: "The weather in London today is rain, 15 degrees." },
      { role: "user", content: "What is the weather in Paris?" },
    ];
    const { steps, text } = await generateText({
      model: chatModel(),
      messages,
      tools: { weather },
      prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? "required" : "auto" }),
      stopWhen: stepCountIs(2),
      maxOutputTokens: 48,
      ...settings,
    });
    expect(steps.flatMap(({ toolResults }) => toolResults)).toMatchObject([
      { toolName: "weather", input: { city: "Paris" }, output: sun },
    ]);
    expect(text).toMatch(/Paris.*sunny/);
  });

  it("gets an object of a schema", async () => {
    const { object } = await generateObject({
      model: chatModel(),
      schema: person,
      prompt: ada,
      maxOutputTokens: 48,
      ...settings,
    });
    expect(["Ada", "Alan"]).toContain(object.name);
  });
});

it("OpenAI's client for Python chats, streams, calls a tool, gets JSON of a schema and throws its errors", async () => {
  const script = fileURLToPath(new URL("../reference/openai_client.py", import.meta.url));
  const libraries = fileURLToPath(new URL("../../.cache/python", import.meta.url));
  const env = { PYTHONPATH: libraries, OPENAI_BASE_URL: baseURL, OPENAI_API_KEY: apiKey };
  const { stdout } = await execa("python3", [script, model], { env });
  expect(JSON.parse(stdout)).toEqual({
    chat: capital,
    streamed: capital,
    usage: 12,
    call: { name: "weather", arguments: { city: "Paris" } },
    person: { name: expect.stringMatching(/^(Ada|Alan)$/), born: expect.any(Number) },
    completion: expect.stringContaining("Paris"),
    response: capital,
    streamedResponse: capital,
    models: [model],
    error: { class: "BadRequestError", code: "decimal_above_max_value", param: "temperature" },
    refused: "AuthenticationError",
  });
});
