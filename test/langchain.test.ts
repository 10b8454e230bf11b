import {
  AIMessage,
  AIMessageChunk,
  type BaseMessage,
  HumanMessage,
  ToolMessage,
} from "@langchain/core/messages";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { tool } from "@langchain/core/tools";
import { QueueFullError } from "@trtllm-node/core";
import { ChatTrtllm } from "@trtllm-node/langchain";
import { LLM } from "@trtllm-node/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { modelPath } from "./support/model.ts";

let llm: LLM;
beforeAll(async () => {
  llm = await LLM.load(modelPath(), { maxBatchSize: 2, maxQueueSize: 1 });
});
afterAll(() => llm?.dispose());

const question = "What is the capital of France?";
const weather = tool(({ city }) => (city === "Paris" ? "sunny, 24 degrees" : "unknown"), {
  name: "weather",
  description: "The weather of a city today",
  schema: z.object({ city: z.string() }),
});

// A small model needs to see once how it goes.
const shownOnce: BaseMessage[] = [
  new HumanMessage("What is the weather in London?"),
  new AIMessage({
    content: "",
    tool_calls: [{ id: "shown0001", name: "weather", args: { city: "London" } }],
  }),
  new ToolMessage({ content: "rain, 15 degrees", tool_call_id: "shown0001" }),
  new AIMessage("The weather in London today is rain, 15 degrees."),
  new HumanMessage("What is the weather in Paris?"),
];

/** Without the model's own end: until it is cancelled. */
const endless = (): ChatTrtllm => {
  const logitBias = Object.fromEntries(llm.tokenizer.endIds.map((id) => [id, -100]));
  return new ChatTrtllm({ llm, maxTokens: 1500, logitBias });
};

it("answers as the engine does, whole and streamed, and tells what it cost", async () => {
  const model = new ChatTrtllm({ llm, maxTokens: 8 });
  const own = await llm.chat([{ role: "user", content: question }], { maxTokens: 8 }).result;
  const message = await model.invoke(question);
  expect(message.content).toBe(own.text);
  expect(message.response_metadata).toMatchObject({
    model_provider: "trtllm",
    model_name: llm.engine.name,
    finish_reason: "length",
  });
  expect(message.usage_metadata).toMatchObject({
    input_tokens: own.usage.promptTokens,
    output_tokens: 8,
    total_tokens: own.usage.promptTokens + 8,
  });
  const chunks: AIMessageChunk[] = [];
  for await (const chunk of await model.stream(question)) chunks.push(chunk);
  expect(chunks.length).toBeGreaterThan(4);
  const joined = chunks.reduce((whole, chunk) => whole.concat(chunk));
  expect(joined.content).toBe(own.text);
  expect(joined.usage_metadata).toMatchObject({ output_tokens: 8 });
  expect(joined.response_metadata).toMatchObject({ model_provider: "trtllm", finish_reason: "length" });
});

it("takes settings of the model, of a call, and of a prompt template's chain", async () => {
  const prompt = ChatPromptTemplate.fromMessages([["human", "What is the capital of {country}?"]]);
  const chain = prompt.pipe(new ChatTrtllm({ llm, maxTokens: 4 }));
  const [one, two] = await chain.batch([{ country: "France" }, { country: "Italy" }]);
  for (const { usage_metadata } of [one!, two!]) expect(usage_metadata).toMatchObject({ output_tokens: 4 });
  expect(one!.content).not.toBe(two!.content);
  const { content, response_metadata } = await new ChatTrtllm({ llm, maxTokens: 40 }).invoke(question, {
    maxTokens: 12,
    stop: ["e"],
  });
  expect(content).not.toContain("e");
  expect(response_metadata.finish_reason).toBe("stop");
});

it("calls tools in a loop, also where it streams", async () => {
  const model = new ChatTrtllm({ llm, maxTokens: 48 });
  const forced = model.bindTools([weather], { tool_choice: "any" });
  const message = await forced.invoke(shownOnce);
  expect(message.tool_calls).toMatchObject([{ name: "weather", args: { city: "Paris" } }]);
  expect(message.response_metadata.finish_reason).toBe("tool-calls");
  let joined: AIMessageChunk | undefined;
  for await (const chunk of await forced.stream(shownOnce)) joined = joined?.concat(chunk) ?? chunk;
  expect(joined!.tool_calls).toMatchObject([{ name: "weather", args: { city: "Paris" } }]);
  const result: ToolMessage = await weather.invoke(message.tool_calls![0]!);
  const answer = await model.bindTools([weather]).invoke([...shownOnce, message, result]);
  expect(answer.content).toMatch(/Paris.*sunny/);
});

it("gives objects of a schema, typed and checked", async () => {
  const person = z.object({ name: z.enum(["Ada", "Alan"]), born: z.number().int().min(1800).max(1999) });
  const model = new ChatTrtllm({ llm, maxTokens: 64 });
  const { name, born } = await model.withStructuredOutput(person).invoke("Ada Lovelace was born in 1815.");
  expect(["Ada", "Alan"]).toContain(name);
  expect(born).toBeGreaterThanOrEqual(1800);
  const raw = model.withStructuredOutput<{ city: string }>(
    { type: "object", properties: { city: { enum: ["Paris", "Rome"] } }, required: ["city"] },
    { includeRaw: true },
  );
  const { raw: message, parsed } = await raw.invoke(question);
  expect(AIMessageChunk.isInstance(message)).toBe(true);
  expect(["Paris", "Rome"]).toContain(parsed.city);
});

it("is cancelled by a signal, by leaving its stream, and by a time limit", async () => {
  const outcomes: string[] = [];
  const end = llm.observe(({ outcome }) => outcomes.push(outcome));
  const aborting = new AbortController();
  const stream = await endless().stream(question, { signal: aborting.signal });
  const reading = (async () => {
    for await (const _ of stream) aborting.abort();
  })();
  await expect(reading).rejects.toThrow(/abort/i);
  for await (const _ of await endless().stream(question)) break;
  await expect(endless().invoke(question, { timeout: 200 })).rejects.toThrow(/time|abort/i);
  await expect.poll(() => outcomes.length).toBe(3);
  end();
  expect(llm.metrics().requests.active).toBe(0);
  expect(outcomes.filter((outcome) => outcome !== "aborted" && outcome !== "cancelled")).toEqual([]);
});

it("gives the runtime's own errors", async () => {
  const running = await Promise.all([1, 2].map(() => endless().stream(question)));
  const readers = running.map((stream) => stream.getReader());
  await Promise.all(readers.map((reader) => reader.read()));
  const waiting = endless().stream(question);
  const refused = endless().invoke(question);
  await expect(refused).rejects.toBeInstanceOf(QueueFullError);
  await Promise.all(readers.map((reader) => reader.cancel()));
  await (await waiting).cancel();
});
