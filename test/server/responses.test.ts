import { LLM } from "@trtllm-node/runtime";
import { createHandler } from "@trtllm-node/server";
import OpenAI from "openai";
import type { ResponseInput, ResponseStreamEvent } from "openai/resources/responses/responses";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelPath } from "../support/model.ts";
import { listen } from "./listen.ts";

const model = "smollm2";
const question = "What is the capital of France?";
const weather = {
  type: "function" as const,
  name: "weather",
  description: "The weather of a city today",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  strict: false,
};
const keys = ["sk-one-key-of-this-test", "sk-another-key-of-it"];

let llm: LLM;
let server: Awaited<ReturnType<typeof listen>>;
let client: OpenAI;
let other: OpenAI;

beforeAll(async () => {
  llm = await LLM.load(modelPath());
  server = await listen(createHandler({ [model]: llm }, { apiKeys: keys, maxStoredResponses: 4 }));
  const options = { baseURL: `${server.url}/v1`, maxRetries: 0 };
  [client, other] = keys.map((apiKey) => new OpenAI({ ...options, apiKey })) as [OpenAI, OpenAI];
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await llm?.dispose();
});

describe("the responses of OpenAI's own client", () => {
  it("are what a chat with the instructions as its system message says", async () => {
    const response = await client.responses.create({
      model,
      instructions: "You answer with one word.",
      input: question,
      temperature: 0,
      max_output_tokens: 4,
      metadata: { purpose: "test" },
    });
    const messages = [
      { role: "system" as const, content: "You answer with one word." },
      { role: "user" as const, content: question },
    ];
    const { text, usage } = await llm.chat(messages, { maxTokens: 4 }).result;
    expect(response.output_text).toBe(text);
    expect(response).toMatchObject({
      object: "response",
      model,
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      error: null,
      metadata: { purpose: "test" },
      usage: {
        input_tokens: usage.promptTokens,
        output_tokens: usage.completionTokens,
        total_tokens: usage.promptTokens + usage.completionTokens,
        output_tokens_details: { reasoning_tokens: 0 },
      },
    });
  });

  it("are streamed as events that the client puts together to the same", async () => {
    const request = { model, input: question, temperature: 0, max_output_tokens: 24, stop: "a" };
    const whole = await client.responses.create(request);
    expect(whole.status).toBe("completed");
    const stream = client.responses.stream(request);
    const events: ResponseStreamEvent[] = [];
    for await (const event of stream) events.push(event);
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
    expect(events.slice(0, 4).map(({ type }) => type)).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
    ]);
    expect(events.slice(-4).map(({ type }) => type)).toEqual([
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    const final = await stream.finalResponse();
    expect(final.output_text).toBe(whole.output_text);
    expect(final.usage!.input_tokens).toBe(whole.usage!.input_tokens);
  });

  it("call a tool and go on with its result, streamed or not", async () => {
    const shown = { call_id: "shown0001", name: "weather" };
    const input: ResponseInput = [
      // A small model needs to see once how it goes.
      { role: "user", content: "What is the weather in London?" },
      { type: "function_call", ...shown, arguments: '{"city":"London"}' },
      { type: "function_call_output", call_id: shown.call_id, output: "rain, 15 degrees" },
      { role: "assistant", content: "The weather in London today is rain, 15 degrees." },
      { role: "user", content: "What is the weather in Paris?" },
    ];
    const request = { model, tools: [weather], temperature: 0, max_output_tokens: 48, store: false };
    const forced = { ...request, input, tool_choice: "required" as const };
    const { output } = await client.responses.create(forced);
    expect(output).toMatchObject([{ type: "function_call", name: "weather", status: "completed" }]);
    const [call] = output as OpenAI.Responses.ResponseFunctionToolCallItem[];
    expect(JSON.parse(call!.arguments)).toEqual({ city: "Paris" });
    const streamed = await client.responses.stream(forced).finalResponse();
    expect(streamed.output).toMatchObject([{ name: "weather", arguments: call!.arguments }]);
    const answer = await client.responses.create({
      ...request,
      input: [
        ...input,
        ...(output as ResponseInput),
        { type: "function_call_output", call_id: call!.call_id, output: "sunny, 24 degrees" },
      ],
    });
    expect(answer.output_text).toMatch(/Paris.*sunny/);
  });

  it("have the form of a JSON schema", async () => {
    const schema = {
      type: "object",
      properties: { name: { type: "string", enum: ["Ada", "Alan"] }, born: { type: "integer" } },
      required: ["name", "born"],
      additionalProperties: false,
    };
    const request = {
      model,
      input: "Ada Lovelace was born in 1815. Tell it as JSON.",
      text: { format: { type: "json_schema" as const, name: "person", strict: true, schema } },
      max_output_tokens: 48,
      temperature: 0,
    };
    const { output_parsed: person } = await client.responses.parse(request);
    expect(person).toEqual({ name: expect.stringMatching(/^(Ada|Alan)$/), born: expect.any(Number) });
    const asked = client.responses.create({ ...request, tools: [weather] });
    await expect(asked).rejects.toMatchObject({ status: 400, param: "text.format" });
  });

  it("tell log-probabilities of their text, streamed or not, as chats do", async () => {
    const request = {
      model,
      input: question,
      temperature: 0,
      max_output_tokens: 6,
      include: ["message.output_text.logprobs" as const],
      top_logprobs: 2,
    };
    const textOf = ({ output }: OpenAI.Responses.Response) => {
      const [message] = output as OpenAI.Responses.ResponseOutputMessage[];
      return message!.content[0] as OpenAI.Responses.ResponseOutputText;
    };
    const whole = textOf(await client.responses.create(request));
    expect(whole.logprobs!.map(({ token }) => token).join("")).toBe(whole.text);
    const chat = await client.chat.completions.create({
      model,
      messages: [{ role: "user", content: question }],
      temperature: 0,
      max_tokens: 6,
      logprobs: true,
      top_logprobs: 2,
    });
    expect(whole.logprobs).toEqual(chat.choices[0]!.logprobs!.content);
    const stream = client.responses.stream(request);
    const told: unknown[] = [];
    for await (const event of stream) {
      if (event.type === "response.output_text.delta") told.push(...event.logprobs);
    }
    expect(told).toEqual(whole.logprobs);
    expect(textOf(await stream.finalResponse()).logprobs).toEqual(whole.logprobs);
  });

  it("go on from one another, and those of another key are not there", async () => {
    const request = { model, temperature: 0, max_output_tokens: 16 };
    const first = await client.responses.create({ ...request, input: "My name is Ada. Say hello." });
    const next = { ...request, input: "What is my name?", previous_response_id: first.id };
    const second = await client.responses.create(next);
    expect(second).toMatchObject({ previous_response_id: first.id });
    const messages = [
      { role: "user" as const, content: "My name is Ada. Say hello." },
      { role: "assistant" as const, content: first.output_text },
      { role: "user" as const, content: "What is my name?" },
    ];
    expect(second.output_text).toBe((await llm.chat(messages, { maxTokens: 16 }).result).text);
    expect(await client.responses.retrieve(first.id)).toEqual(first);
    await expect(other.responses.create(next)).rejects.toMatchObject({
      status: 400,
      param: "previous_response_id",
      code: "previous_response_not_found",
    });
    await expect(other.responses.retrieve(first.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await client.responses.delete(first.id);
    await expect(client.responses.retrieve(first.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  it("are forgotten where newer ones take their places, or `store` is false", async () => {
    const request = { model, input: "Hi", max_output_tokens: 1 };
    const old = await client.responses.create(request);
    const unstored = await client.responses.create({ ...request, store: false });
    await expect(client.responses.retrieve(unstored.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    for (let count = 0; count < 4; count++) await client.responses.create(request);
    await expect(client.responses.retrieve(old.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  it("are cancelled where the client leaves their stream", async () => {
    const outcome = new Promise((resolve) => {
      const end = llm.observe((record) => {
        end();
        resolve(record.outcome);
      });
    });
    const logit_bias = Object.fromEntries(llm.tokenizer.endIds.map((id) => [id, -100]));
    const endless = { model, input: question, max_output_tokens: 1500, stream: true as const, logit_bias };
    for await (const event of await client.responses.create(endless)) {
      if (event.type === "response.output_text.delta") break;
    }
    expect(await outcome).toBe("aborted");
  });

  it("tell of an end of the model in their stream, and the client throws it", async () => {
    const doomed = await LLM.load(modelPath());
    await using unlucky = await listen(createHandler({ [model]: doomed }));
    const asking = new OpenAI({ baseURL: `${unlucky.url}/v1`, apiKey: "none", maxRetries: 0 });
    const request = { model, input: question, max_output_tokens: 1500, stream: true as const };
    const types: string[] = [];
    const reading = (async () => {
      for await (const event of await asking.responses.create(request)) {
        types.push(event.type);
        if (event.type === "response.output_text.delta") void doomed.dispose();
      }
    })();
    await expect(reading).rejects.toBeInstanceOf(OpenAI.APIError);
    expect(types.at(-1)).toBe("response.failed");
  });

  it("refuse what cannot be done by its name", async () => {
    const ask = (more: object) => client.responses.create({ model, input: "Hi", ...more });
    for (const [more, param] of [
      [{ background: true }, "background"],
      [{ truncation: "auto" }, "truncation"],
      [{ top_logprobs: 2 }, "top_logprobs"],
      [{ include: ["file_search_call.results"] }, "include[0]"],
      [{ conversation: "conv_1" }, "conversation"],
      [{ tools: [{ ...weather, strict: true }] }, "tools[0].strict"],
      [{ tools: [{ type: "web_search" }] }, "tools[0].type"],
      [{ max_output_tokens: 0 }, "max_output_tokens"],
      [{ reasoning: { effort: "high" } }, "reasoning.effort"],
    ] as const) {
      await expect(ask(more)).rejects.toMatchObject({ status: 400, param });
    }
    const long = ask({ input: "many words ".repeat(2000), stream: true });
    await expect(long).rejects.toMatchObject({ code: "context_length_exceeded", param: "input" });
  });
});
