import {
  APICallError,
  InvalidArgumentError,
  type LanguageModelV3CallOptions,
  type LanguageModelV3StreamPart,
} from "@ai-sdk/provider";
import {
  AbortedError,
  ExecutorError,
  type FinishReason,
  InvalidRequestError,
  QueueFullError,
} from "@trtllm-node/core";
import { ChatTemplateError, type LLM } from "@trtllm-node/runtime";
import { expect, test } from "vitest";
import { says, scriptedModel } from "../test/scripted-model.ts";
import { trtllm } from "./index.ts";

const prompt: LanguageModelV3CallOptions["prompt"] = [
  { role: "user", content: [{ type: "text", text: "Hi" }] },
];
const weather = {
  type: "function" as const,
  name: "weather",
  inputSchema: { type: "object" as const, properties: { city: { type: "string" as const } } },
};

async function read(stream: ReadableStream<LanguageModelV3StreamPart>): Promise<LanguageModelV3StreamPart[]> {
  const parts: LanguageModelV3StreamPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

test("every setting reaches the executor", async () => {
  const { model, executor } = await scriptedModel(says("Yes. No."));
  const { content, finishReason, warnings, providerMetadata } = await model.doGenerate({
    prompt,
    maxOutputTokens: 20,
    temperature: 0.5,
    topP: 0.9,
    topK: 7,
    presencePenalty: 0.1,
    frequencyPenalty: 0.2,
    seed: 3,
    stopSequences: [" No"],
    headers: { "User-Agent": "ai" },
    providerOptions: {
      trtllm: { priority: 0.9, timeoutMs: 1000, minP: 0.05, repetitionPenalty: 1.1, noRepeatNgramSize: 4 },
      other: { effort: "high" },
    },
  });
  expect(executor.requests[0]).toMatchObject({
    maxTokens: 20,
    priority: 0.9,
    timeoutMs: 1000,
    sampling: {
      temperature: 0.5,
      topP: 0.9,
      topK: 7,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      seed: 3,
      minP: 0.05,
      repetitionPenalty: 1.1,
      noRepeatNgramSize: 4,
    },
  });
  expect(content).toEqual([{ type: "text", text: "Yes." }]);
  expect(finishReason).toEqual({ unified: "stop", raw: "stop" });
  expect(providerMetadata!.trtllm).toMatchObject({ stopString: " No", timeToFirstTokenMs: 2, totalMs: 500 });
  expect(warnings).toEqual([]);
});

test("what cannot be done is warned of, in generated and streamed answers", async () => {
  const { model } = await scriptedModel(says("{}"));
  const options: LanguageModelV3CallOptions = {
    prompt,
    topK: 5,
    headers: { "x-team": "a" },
    responseFormat: { type: "json" },
    tools: [
      { type: "provider", id: "openai.web_search", name: "search", args: {} },
      { ...weather, strict: true, inputExamples: [{ input: { city: "Paris" } }] },
    ],
  };
  const { warnings } = await model.doGenerate(options);
  expect(warnings.map((warning) => ("feature" in warning ? warning.feature : warning.message))).toEqual([
    "headers",
    expect.stringContaining("topK had no effect"),
    "responseFormat",
    "provider tool openai.web_search",
    "strict mode of tool weather",
    "input examples of tool weather",
  ]);
  const [start] = await read((await model.doStream(options)).stream);
  expect(start).toEqual({ type: "stream-start", warnings });
});

test("a response format is told in the system message, and forced", async () => {
  const { model, promptText, executor } = await scriptedModel(says("{}"));
  const schema = { type: "object" as const, properties: { born: { type: "number" as const } } };
  await model.doGenerate({
    prompt: [{ role: "system", content: "Be terse." }, ...prompt],
    responseFormat: { type: "json", schema, name: "person", description: "A scientist." },
  });
  expect(promptText()).toMatch(/^system\nBe terse\.\n\n[^<]*"person"[^<]*A scientist\.[^<]*\nuser\nHi\n/);
  expect(promptText()).toContain(JSON.stringify(schema));
  await model.doGenerate({ prompt, responseFormat: { type: "json" } });
  expect(promptText(1)).toMatch(/^system\n.*JSON.*\nuser\nHi\n/);
  await model.doGenerate({
    prompt,
    responseFormat: { type: "json" },
    tools: [weather],
    toolChoice: { type: "none" },
  });
  await model.doGenerate({ prompt, responseFormat: { type: "json" }, tools: [weather] });
  await model.doGenerate({ prompt, responseFormat: { type: "text" } });
  expect(executor.requests.map(({ guided }) => guided)).toEqual([
    { jsonSchema: schema },
    { json: true },
    { json: true },
    undefined,
    undefined,
  ]);
});

test("tools and the choice among them reach the prompt", async () => {
  const { model, promptText } = await scriptedModel(
    says('{"name": "weather", "arguments": {"city": "Rome"}}'),
  );
  const { content } = await model.doGenerate({
    prompt,
    tools: [weather],
    toolChoice: { type: "tool", toolName: "weather" },
  });
  expect(promptText()).toMatch(/<tool_call>\n$/);
  expect(content).toMatchObject([{ type: "tool-call", toolName: "weather", input: '{"city":"Rome"}' }]);
  await model.doGenerate({ prompt, tools: [weather], toolChoice: { type: "none" } });
  expect(promptText(1)).not.toContain("weather");
  await model.doGenerate({ prompt, tools: [weather], toolChoice: { type: "required" } });
  expect(promptText(2)).toMatch(/<tool_call>\n$/);
});

test("a chat template gets its variables", async () => {
  const { executor, llm } = await scriptedModel(says("Yes"));
  const seen: unknown[] = [];
  const model = trtllm({
    engine: executor.engine,
    tokenizer: llm.tokenizer,
    chat: (messages, { templateVariables, ...options } = {}) => {
      seen.push(templateVariables);
      return llm.chat(messages, options);
    },
  });
  await model.doGenerate({
    prompt,
    providerOptions: { trtllm: { templateVariables: { enable_thinking: false } } },
  });
  expect(seen).toEqual([{ enable_thinking: false }]);
});

test("usage tells cached and reasoning tokens", async () => {
  const { model, executor } = await scriptedModel(says("<think>é it is.</think>Yes", { reusedBlocks: 2 }));
  const { usage, content } = await model.doGenerate({ prompt });
  const total = executor.requests[0]!.tokens.length;
  expect(content).toEqual([
    { type: "reasoning", text: "é it is." },
    { type: "text", text: "Yes" },
  ]);
  expect(usage).toEqual({
    inputTokens: { total, cacheRead: 16, noCache: total - 16, cacheWrite: undefined },
    // A token is a byte here: "<think>" and the nine of its text, of 27.
    outputTokens: { total: 27, reasoning: 16, text: 11 },
    raw: { promptTokens: total, completionTokens: 27, cachedPromptTokens: 16 },
  });
});

test.each<[string, number | undefined]>([
  ["Yes", 0],
  ["<think>th</think>Yes", 9],
  ["<think>Hm", 9],
  ["<think>One.</think><think>Two.</think>Yes", undefined],
])("of %j, %s tokens are reasoning", async (text, reasoning) => {
  const { model } = await scriptedModel(says(text));
  const { outputTokens } = (await model.doGenerate({ prompt })).usage;
  expect(outputTokens.reasoning).toBe(reasoning);
});

test.each<[FinishReason, string]>([
  ["end", "stop"],
  ["length", "length"],
  ["timed-out", "other"],
])("the finish reason %s is %s", async (raw, unified) => {
  const { model } = await scriptedModel(says("Yes", { finishReason: raw }));
  expect((await model.doGenerate({ prompt })).finishReason).toEqual({ unified, raw });
});

test("the response is described", async () => {
  const { model } = await scriptedModel(says("Yes"));
  const first = await model.doGenerate({ prompt });
  expect(first.response).toMatchObject({ modelId: "Scripted", timestamp: expect.any(Date) });
  const [, metadata] = await read((await model.doStream({ prompt })).stream);
  expect(metadata).toMatchObject({ type: "response-metadata", modelId: "Scripted" });
  expect((metadata as { id: string }).id).not.toBe(first.response!.id);
});

test("provider options that are not known are refused by name", async () => {
  const { model } = await scriptedModel(says("Yes"));
  const call = { prompt, providerOptions: { trtllm: { minp: 0.1 } } };
  await expect(model.doGenerate(call)).rejects.toBeInstanceOf(InvalidArgumentError);
  await expect(model.doStream(call)).rejects.toThrow(/"minp".*minP/s);
});

test("aborting ends the request, and errors the stream as an abort", async () => {
  const { model } = await scriptedModel(says("Yes", { endless: true }));
  const controller = new AbortController();
  const { stream } = await model.doStream({ prompt, abortSignal: controller.signal });
  const seen: string[] = [];
  const reading = (async () => {
    for await (const part of stream) {
      seen.push(part.type);
      if (part.type === "text-delta") controller.abort(new Error("Enough."));
    }
  })();
  await expect(reading).rejects.toMatchObject({ name: "AbortError", cause: { message: "Enough." } });
  expect(seen).not.toContain("error");
  const generating = model.doGenerate({ prompt, abortSignal: controller.signal });
  await expect(generating).rejects.toBeInstanceOf(AbortedError);
});

test("a reader that leaves cancels the request", async () => {
  const { model, executor } = await scriptedModel(says("Yes", { endless: true }));
  const { stream } = await model.doStream({ prompt });
  for await (const part of stream) if (part.type === "text-delta") break;
  expect(executor.cancellations).toBe(1);
  // Also before the first token.
  const waiting = await scriptedModel({ chunks: [], endless: true });
  const reader = (await waiting.model.doStream({ prompt })).stream.getReader();
  await reader.read();
  await reader.cancel();
  expect(waiting.executor.cancellations).toBe(1);
});

/** A model whose engine fails: at once, or after a first part. */
async function failing(error: Error, when: "at once" | "later") {
  const { llm } = await scriptedModel(says("Yes"));
  const chat = ((messages, options) => {
    if (when === "at once") throw error;
    const stream = llm.chat(messages, options);
    stream[Symbol.asyncIterator] = async function* () {
      yield { type: "text-delta" as const, text: "Ye" };
      throw error;
    };
    return stream;
  }) satisfies LLM["chat"] as LLM["chat"];
  return trtllm({ engine: llm.engine, tokenizer: llm.tokenizer, chat });
}

test("what another try may solve is an APICallError, and its cause is ours", async () => {
  const full = new QueueFullError("Full.");
  const model = await failing(full, "at once");
  for (const call of [model.doGenerate({ prompt }), model.doStream({ prompt })]) {
    const error: unknown = await Promise.resolve(call).catch((reason: unknown) => reason);
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ isRetryable: true, statusCode: 429, message: "Full.", cause: full });
  }
});

test("other errors are our own", async () => {
  const broken = new ChatTemplateError("Broken.");
  const model = await failing(broken, "at once");
  await expect(model.doStream({ prompt })).rejects.toBe(broken);
  const { model: sound } = await scriptedModel(says("Yes"));
  await expect(sound.doGenerate({ prompt: [] })).rejects.toBeInstanceOf(InvalidRequestError);
});

test("an error within the answer comes in the stream, with open blocks ended", async () => {
  const broken = new ExecutorError("ERR_EXECUTOR", "Broken.");
  const model = await failing(broken, "later");
  const parts = await read((await model.doStream({ prompt })).stream);
  expect(parts.slice(2)).toMatchObject([
    { type: "text-start", id: "0" },
    { type: "text-delta", id: "0", delta: "Ye" },
    { type: "text-end", id: "0" },
    { type: "error", error: broken },
    { type: "finish", finishReason: { unified: "error", raw: "ERR_EXECUTOR" } },
  ]);
  await expect(model.doGenerate({ prompt })).rejects.toBe(broken);
});
