import { LLM } from "@trtllm-node/runtime";
import { createHandler } from "@trtllm-node/server";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelPath } from "../support/model.ts";
import { listen } from "./listen.ts";

const model = "smollm2";
const question = [{ role: "user" as const, content: "What is the capital of France?" }];
const weather = {
  type: "function" as const,
  function: {
    name: "weather",
    description: "The weather of a city today",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

// A small model needs to see once how it goes.
const shownOnce: OpenAI.ChatCompletionMessageParam[] = [
  { role: "user", content: "What is the weather in London?" },
  {
    role: "assistant",
    content: null,
    tool_calls: [
      { id: "shown0001", type: "function", function: { name: "weather", arguments: '{"city":"London"}' } },
    ],
  },
  { role: "tool", tool_call_id: "shown0001", content: "rain, 15 degrees" },
  { role: "assistant", content: "The weather in London today is rain, 15 degrees." },
  { role: "user", content: "What is the weather in Paris?" },
];

let llm: LLM;
let server: Awaited<ReturnType<typeof listen>>;
let client: OpenAI;

beforeAll(async () => {
  llm = await LLM.load(modelPath());
  server = await listen(createHandler({ [model]: llm }));
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await llm?.dispose();
});

describe("OpenAI's own client", () => {
  it("gets an answer to a chat, and what it cost", async () => {
    const answer = await client.chat.completions.create({
      model,
      messages: question,
      temperature: 0,
      max_tokens: 8,
    });
    expect(answer).toMatchObject({ object: "chat.completion", model });
    expect(answer.choices).toHaveLength(1);
    const { message, finish_reason } = answer.choices[0]!;
    expect(message).toMatchObject({ role: "assistant", refusal: null });
    const direct = await llm.chat(question, { maxTokens: 8 }).result;
    expect(message.content).toBe(direct.text);
    expect(finish_reason).toBe("length");
    const { promptTokens, completionTokens } = direct.usage;
    expect(answer.usage).toMatchObject({
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    });
  });

  it("streams the same answer, with usage in a chunk of its own", async () => {
    const request = { model, messages: question, temperature: 0, max_completion_tokens: 8 };
    const whole = await client.chat.completions.create(request);
    const stream = await client.chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(new Set(chunks.map(({ id, object }) => `${id} ${object}`)).size).toBe(1);
    expect(chunks[0]!.choices[0]!.delta.role).toBe("assistant");
    expect(chunks.flatMap(({ choices }) => choices[0]?.delta.content ?? []).join("")).toBe(
      whole.choices[0]!.message.content,
    );
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe("length");
    expect(chunks.at(-1)!.choices).toEqual([]);
    expect(chunks.at(-1)!.usage).toMatchObject({
      prompt_tokens: whole.usage!.prompt_tokens,
      completion_tokens: whole.usage!.completion_tokens,
    });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
  });

  it("is told how many tokens of the prompt were cached", async () => {
    const messages = [{ role: "user" as const, content: `${"All work and no play. ".repeat(20)}Go on.` }];
    const ask = () => client.chat.completions.create({ model, messages, max_tokens: 1 });
    await ask();
    const { usage } = await ask();
    expect(usage!.prompt_tokens_details!.cached_tokens).toBeGreaterThan(64);
  });

  it("gets the same answer for a seed, and others without", async () => {
    const ask = async (seed?: number) => {
      const answer = await client.completions.create({
        model,
        prompt: "Once upon",
        max_tokens: 8,
        seed: seed ?? null,
      });
      return answer.choices[0]!.text;
    };
    expect(await ask(-7)).toBe(await ask(-7));
    expect(await ask()).not.toBe(await ask());
  });

  it("gets n choices, each with an index, for every prompt in order", async () => {
    const answer = await client.completions.create({
      model,
      prompt: ["The capital of France is", "1, 2, 3, 4,"],
      n: 2,
      temperature: 0,
      max_tokens: 6,
    });
    expect(answer.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const [paris, , numbers] = answer.choices.map(({ text }) => text);
    expect(paris).toContain("Paris");
    expect(numbers).toContain("5");
    const counts = ["The capital of France is", "1, 2, 3, 4,"].map((text) => llm.countTokens(text));
    const prompts = (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    expect(answer.usage).toMatchObject({ prompt_tokens: prompts, completion_tokens: 24 });
    const chat = await client.chat.completions.create({
      model,
      messages: question,
      n: 2,
      max_tokens: 16,
      seed: 1,
    });
    expect(chat.choices[0]!.message.content).not.toBe(chat.choices[1]!.message.content);
  });

  it("gets the choices of a stream by their index", async () => {
    const request = { model, messages: question, n: 3, max_tokens: 8, seed: 4 };
    const whole = await client.chat.completions.create(request);
    const texts = ["", "", ""];
    for await (const { choices } of await client.chat.completions.create({ ...request, stream: true })) {
      for (const { index, delta } of choices) texts[index] += delta.content ?? "";
    }
    expect(texts).toEqual(whole.choices.map(({ message }) => message.content));
    expect(new Set(texts).size).toBe(3);
  });

  it("gets the best of several completions, and is told what all of them cost", async () => {
    const request = { model, prompt: "Once upon a time", max_tokens: 6, seed: 5 };
    const all = await client.completions.create({ ...request, n: 3, logprobs: 0 });
    const mean = (choice: OpenAI.CompletionChoice) => {
      const logProbs = choice.logprobs!.token_logprobs!;
      return logProbs.reduce((sum, value) => sum + value, 0) / logProbs.length;
    };
    const likeliest = all.choices.toSorted((a, b) => mean(b) - mean(a)).slice(0, 2);
    const best = await client.completions.create({ ...request, n: 2, best_of: 3 });
    expect(best.choices.map(({ text }) => text)).toEqual(likeliest.map(({ text }) => text));
    expect(best.choices.map(({ index, logprobs }) => [index, logprobs])).toEqual([
      [0, null],
      [1, null],
    ]);
    expect(best.usage).toEqual(expect.objectContaining({ completion_tokens: all.usage!.completion_tokens }));
    const wrong = { param: "best_of", status: 400 };
    await expect(client.completions.create({ ...request, n: 2, best_of: 1 })).rejects.toMatchObject(wrong);
    await expect(client.completions.create({ ...request, best_of: 2, stream: true })).rejects.toMatchObject(
      wrong,
    );
  });

  it("continues token ids, up to a stop text, streamed or not", async () => {
    const prompt = [...llm.tokenizer.encode("1, 2, 3, 4,", { addSpecial: true, parseSpecial: true })];
    const request = { model, prompt, max_tokens: 32, temperature: 0, stop: [" 8"] };
    const whole = await client.completions.create(request);
    expect(whole.choices[0]).toMatchObject({ text: " 5, 6, 7,", finish_reason: "stop" });
    let text = "";
    for await (const { choices } of await client.completions.create({ ...request, stream: true })) {
      text += choices[0]!.text;
    }
    expect(text).toBe(" 5, 6, 7,");
  });

  it("runs tools in a loop, streamed or not", async () => {
    const request = { model, tools: [weather], temperature: 0, max_tokens: 48 };
    const messages = [...shownOnce];
    const asking = { ...request, messages, tool_choice: "required" as const };
    const whole = await client.chat.completions.create(asking);
    const streamed = await client.chat.completions.stream(asking).finalChatCompletion();
    const { message, finish_reason } = whole.choices[0]!;
    expect(finish_reason).toBe("tool_calls");
    expect(message.content).toBeNull();
    const call = message.tool_calls![0]!;
    expect(call).toMatchObject({ type: "function", function: { name: "weather" } });
    expect(streamed.choices[0]!.message.tool_calls).toMatchObject([
      { type: "function", function: (call as unknown as typeof weather).function },
    ]);
    expect(JSON.parse((call as unknown as { function: { arguments: string } }).function.arguments)).toEqual({
      city: "Paris",
    });
    messages.push(message, { role: "tool", tool_call_id: call.id, content: "sunny, 24 degrees" });
    const answer = await client.chat.completions.create({ ...request, messages });
    expect(answer.choices[0]!.message.content).toMatch(/Paris.*sunny/);
  });

  it("gets arguments of a strict tool that fit it, where the call must be", async () => {
    const parameters = {
      type: "object",
      properties: { city: { enum: ["Rome", "Oslo"] } },
      required: ["city"],
      additionalProperties: false,
    };
    const tools = [{ type: "function" as const, function: { name: "weather", strict: true, parameters } }];
    const request = { model, messages: question, tools, temperature: 1.5, max_tokens: 48 };
    const answer = await client.chat.completions.create({ ...request, tool_choice: "required" });
    const [call] = answer.choices[0]!.message.tool_calls as OpenAI.ChatCompletionMessageFunctionToolCall[];
    expect(["Rome", "Oslo"]).toContain((JSON.parse(call!.function.arguments) as { city: string }).city);
    const free = client.chat.completions.create(request);
    await expect(free).rejects.toMatchObject({ status: 400, param: "tools[0].function.strict" });
  });

  it("gets JSON of a schema, streamed or not", async () => {
    const schema = {
      type: "object",
      properties: {
        name: { type: "string", enum: ["Ada", "Alan"] },
        born: { type: "integer", minimum: 1800, maximum: 1999 },
      },
      required: ["name", "born"],
      additionalProperties: false,
    };
    const request = {
      model,
      messages: [{ role: "user" as const, content: "Ada Lovelace was born in 1815. Tell it as JSON." }],
      response_format: {
        type: "json_schema" as const,
        json_schema: { name: "person", strict: true, schema },
      },
      max_tokens: 48,
      temperature: 0,
    };
    const { message, finish_reason } = (await client.chat.completions.parse(request)).choices[0]!;
    expect(finish_reason).toBe("stop");
    const person = JSON.parse(message.content!) as { name: string; born: number };
    expect(["Ada", "Alan"]).toContain(person.name);
    expect(person.born).toBeGreaterThanOrEqual(1800);
    const streamed = await client.chat.completions.stream(request).finalChatCompletion();
    expect(streamed.choices[0]!.message.content).toBe(message.content);
    const refused = client.chat.completions.create({ ...request, tools: [weather] });
    await expect(refused).rejects.toMatchObject({ status: 400, param: "response_format" });
    const wrong = { type: "json_schema" as const, json_schema: { name: "x", schema: { type: "nothing" } } };
    for (const stream of [true, false]) {
      const asked = client.chat.completions.create({ ...request, response_format: wrong, stream });
      await expect(asked).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    }
  });

  it("gets log-probabilities of both kinds", async () => {
    const prompt = "The capital of France is";
    const text = await client.completions.create({
      model,
      prompt,
      max_tokens: 4,
      temperature: 0,
      logprobs: 2,
    });
    const direct = await llm.generate(prompt, { maxTokens: 4, logProbs: true, topLogProbs: 2 });
    const { logprobs } = text.choices[0]!;
    expect(logprobs!.tokens!.join("")).toBe(text.choices[0]!.text);
    for (const [index, value] of logprobs!.token_logprobs!.entries()) {
      expect(value).toBeCloseTo(direct.logProbs![index]!, 3);
    }
    expect(logprobs!.text_offset![1]).toBe(logprobs!.tokens![0]!.length);
    // Greedy: the chosen token is the likeliest.
    logprobs!.top_logprobs!.forEach((top, index) => {
      expect(Object.keys(top)).toHaveLength(2);
      expect(Object.keys(top)[0]).toBe(logprobs!.tokens![index]);
    });
    const request = {
      model,
      messages: question,
      max_tokens: 4,
      temperature: 0,
      logprobs: true,
      top_logprobs: 3,
    };
    const chat = await client.chat.completions.create(request);
    const content = chat.choices[0]!.logprobs!.content!;
    expect(content.map(({ token }) => token).join("")).toBe(chat.choices[0]!.message.content);
    for (const { token, bytes, logprob, top_logprobs } of content) {
      expect(Buffer.from(bytes!).toString()).toBe(token);
      expect(top_logprobs).toHaveLength(3);
      expect(top_logprobs[0]).toEqual({ token, bytes, logprob });
    }
    const streamed = await client.chat.completions.create({ ...request, stream: true });
    const told: unknown[] = [];
    for await (const { choices } of streamed) told.push(...(choices[0]!.logprobs?.content ?? []));
    expect(told).toEqual(content);
    const asked = { model, prompt, max_tokens: 4, temperature: 0, logprobs: 2, stream: true as const };
    const parts: OpenAI.CompletionChoice.Logprobs[] = [];
    for await (const { choices } of await client.completions.create(asked)) {
      if (choices[0]!.logprobs) parts.push(choices[0]!.logprobs);
    }
    for (const list of ["tokens", "token_logprobs", "text_offset", "top_logprobs"] as const) {
      expect(parts.flatMap((part) => part[list] as unknown[])).toEqual(logprobs![list]);
    }
  });

  it("is one of fifty that stream at once: all get their answer, and nothing is left", async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const prompt = `${index}, ${index + 1}, ${index + 2},`;
        const request = { model, prompt, max_tokens: 3, temperature: 0, stream: true as const };
        let text = "";
        for await (const { choices } of await client.completions.create(request)) text += choices[0]!.text;
        return text;
      }),
    );
    expect(answers.filter((text) => text !== "")).toHaveLength(50);
    expect(answers[4]).toContain("7");
    expect(llm.metrics().requests.active).toBe(0);
    await expect.poll(() => llm.kvCache.stats().blocks.used).toBe(0);
  });

  it("cancels the generation where it leaves a stream", async () => {
    const record = new Promise((resolve) => {
      const end = llm.observe((record) => {
        end();
        resolve(record.outcome);
      });
    });
    const stream = await client.chat.completions.create({
      model,
      messages: question,
      max_tokens: 1500,
      stream: true,
      logit_bias: Object.fromEntries(llm.tokenizer.endIds.map((id) => [id, -100])),
    });
    for await (const _ of stream) break;
    expect(await record).toBe("aborted");
    expect(llm.metrics().requests.active).toBe(0);
  });

  it("cancels the generation where it is aborted before an answer is whole", async () => {
    const controller = new AbortController();
    const record = new Promise((resolve) => {
      const end = llm.observe((record) => {
        end();
        resolve(record.outcome);
      });
    });
    const asked = client.completions.create(
      { model, prompt: "Once upon a time", max_tokens: 1500, ...{ ignore_eos: true } },
      { signal: controller.signal },
    );
    const rejected = expect(asked).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await expect.poll(() => llm.metrics().requests.active).toBe(1);
    controller.abort();
    await rejected;
    expect(await record).toBe("aborted");
  });

  it("lists and describes the model", async () => {
    const models = await client.models.list();
    expect(models.data).toMatchObject([
      { id: model, object: "model", max_model_len: llm.engine.maxSequenceTokens },
    ]);
    expect(await client.models.retrieve(model)).toEqual(models.data[0]);
    await expect(client.models.retrieve("other/model")).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    });
  });

  it("throws its error classes", async () => {
    const ask = (request: object) =>
      client.chat.completions.create({ model, messages: question, max_tokens: 4, ...request } as never);
    await expect(ask({ model: "gpt" })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(ask({ temperature: 3 })).rejects.toMatchObject({
      status: 400,
      code: "decimal_above_max_value",
      param: "temperature",
      type: "invalid_request_error",
      requestID: expect.stringMatching(/^req_/),
    });
    const long = [{ role: "user", content: "many words ".repeat(2000) }];
    for (const stream of [false, true]) {
      const error = await ask({ messages: long, stream }).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(error).toBeInstanceOf(OpenAI.BadRequestError);
      expect(error).toMatchObject({ code: "context_length_exceeded", param: "messages" });
    }
  });
});
