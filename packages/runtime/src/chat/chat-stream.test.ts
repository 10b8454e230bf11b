import { InvalidRequestError, UnsupportedError } from "@trtllm-node/core";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { z } from "zod";
import { bytesOf, byteVocabulary, CHATML, IM_END } from "../../test/byte-vocabulary.ts";
import { ScriptedExecutor } from "../../test/scripted-executor.ts";
import { type ChatOptions, LLM } from "../llm.ts";
import { VocabularyTokenizer } from "../tokenizer/vocabulary-tokenizer.ts";
import type { ChatMessage } from "./chat-message.ts";
import type { ChatPart } from "./chat-part.ts";

const weather = {
  name: "weather",
  description: "The weather of a city",
  parameters: z.object({ city: z.string(), unit: z.enum(["C", "F"]).default("C") }),
};
const question: ChatMessage[] = [{ role: "user", content: "Hi" }];

interface Model {
  /** The answer: a text, in chunks of one byte, or chunks. */
  readonly answer?: string;
  readonly chunks?: readonly (readonly number[])[];
  readonly template?: string;
  readonly pieces?: readonly string[];
}

function model({ answer = "", chunks, template = CHATML, pieces = [] }: Model) {
  const plain = byteVocabulary({ chatTemplate: template });
  // More special tokens, with ids behind the known ones.
  const special = new Map(pieces.map((text, index) => [text, plain.size + index]));
  const split = new RegExp(
    `(${[...special.keys()].map((text) => text.replace(/[[\]|]/g, "\\$&")).join("|")})`,
  );
  const vocabulary = {
    ...plain,
    size: plain.size + special.size,
    pieces: [...plain.pieces, ...pieces.map((text) => ({ bytes: bytesOf(text), control: true }))],
    tokenize: (text: string, options?: { parseSpecial?: boolean | undefined }) =>
      special.size === 0 || !options?.parseSpecial
        ? plain.tokenize(text, options)
        : Int32Array.from(
            text.split(split).flatMap((part) => special.get(part) ?? [...plain.tokenize(part, options)]),
          ),
  };
  const executor = new ScriptedExecutor(
    { chunks: chunks ?? [...bytesOf(answer)].map((byte) => [byte]) },
    { vocabulary, engine: { maxSequenceTokens: 10_000, kvBlocks: 10_000 } },
  );
  return { executor, llm: new LLM(executor, new VocabularyTokenizer(vocabulary)) };
}

async function collect(stream: AsyncIterable<ChatPart>): Promise<ChatPart[]> {
  const parts: ChatPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

async function promptText(options: ChatOptions, messages = question, template = CHATML): Promise<string> {
  const { executor, llm } = model({ template });
  await llm.chat(messages, options).result;
  const tokens = [...executor.requests[0]!.tokens].filter((token) => token < 256);
  return new TextDecoder().decode(Uint8Array.from(tokens));
}

const call = '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>';

test("the parts that stream are those of the result", async () => {
  const { llm } = model({ answer: `<think>\nHm.\n</think>\n\nLet me see.\n${call}` });
  const stream = llm.chat(question, { tools: [weather] });
  const parts = await collect(stream);
  const result = await stream.result;
  const [toolCall] = result.toolCalls;
  const join = (type: string) =>
    parts.map((part) => (part.type === type && "text" in part ? part.text : "")).join("");
  expect(result).toMatchObject({
    text: "Let me see.",
    reasoning: "Hm.",
    finishReason: "tool-calls",
    toolCallErrors: [],
  });
  expect([join("text-delta"), join("reasoning-delta")]).toEqual(["Let me see.", "Hm."]);
  expect(JSON.parse(join("tool-call-delta"))).toEqual({ city: "Paris" });
  expect(toolCall).toEqual({
    id: expect.stringMatching(/^\w{9}$/),
    name: "weather",
    arguments: { city: "Paris" },
  });
  const callParts = parts.filter((part) => part.type === "tool-call-start" || part.type === "tool-call-end");
  expect(callParts.map(({ type }) => type)).toEqual(["tool-call-start", "tool-call-end"]);
  expect(result.message).toEqual({
    role: "assistant",
    content: "Let me see.",
    reasoning: "Hm.",
    toolCalls: [toolCall],
  });
});

test("the conversation goes on with the call and its result", async () => {
  const { llm } = model({ answer: call });
  const { message, toolCalls } = await llm.chat(question, { tools: [weather] }).result;
  const result: ChatMessage = { role: "tool", toolCallId: toolCalls[0]!.id, content: "Sunny" };
  const text = await promptText({ tools: [weather] }, [...question, message, result]);
  expect(text).toContain(
    'assistant\n<tool_call>\n{"name":"weather","arguments":{"city":"Paris"}}\n</tool_call>',
  );
  expect(text).toContain("user\n<tool_response>\nSunny\n</tool_response>");
});

test("a template that knows tools gets them, the calls and the results as Hugging Face's do", async () => {
  const template =
    "{{ tools | tojson }}{% for m in messages %}[{{ m.role }} {{ m.content }}" +
    "{% for c in m.tool_calls or [] %}{{ c | tojson }}{% endfor %}{{ m.name }}{{ m.tool_call_id }}]{% endfor %}" +
    "{# <tool_call> #}";
  const text = await promptText(
    { tools: [{ name: "now" }] },
    [
      ...question,
      { role: "assistant", content: "", toolCalls: [{ id: "call00001", name: "now", arguments: {} }] },
      {
        role: "tool",
        toolCallId: "call00001",
        content: [
          { type: "text", text: "No" },
          { type: "text", text: "on" },
        ],
      },
    ],
    template,
  );
  const parameters = '{"type": "object", "properties": {}, "additionalProperties": false}';
  expect(text).toBe(
    `[{"type": "function", "function": {"name": "now", "description": "", "parameters": ${parameters}}}]` +
      '[user Hi][assistant {"id": "call00001", "type": "function", "function": {"name": "now", "arguments": {}}}]' +
      "[tool Noonnowcall00001]",
  );
});

test("zod and JSON Schema parameters are told to the model, with no tools in its template too", async () => {
  const text = await promptText(
    { tools: [weather, { name: "raw", parameters: { type: "object", title: "T" } }] },
    [{ role: "system", content: "Be terse." }, ...question],
  );
  expect(text).toMatch(/^system\nBe terse\.\n\n/);
  expect(text).toContain('"enum":["C","F"]');
  expect(text).toContain('{"name":"raw","description":"","parameters":{"type":"object","title":"T"}}');
});

test("toolChoice none hides the tools, and their marks are text", async () => {
  expect(await promptText({ tools: [weather], toolChoice: "none" })).not.toContain("weather");
  const { llm } = model({ answer: call });
  expect((await llm.chat(question, { tools: [weather], toolChoice: "none" }).result).text).toBe(call);
});

test("a required call is begun in the prompt, guided by the tool's schema, and comes whole", async () => {
  const named = { tools: [weather], toolChoice: { tool: "weather" } };
  expect(await promptText(named)).toMatch(/assistant\n<tool_call>\n$/);
  const { executor, llm } = model({ answer: '{"name": "weather", "arguments": {"city": "Rome"}}' });
  const stream = llm.chat(question, named);
  expect((await collect(stream))[0]).toMatchObject({ type: "tool-call-start", name: "weather" });
  expect(await stream.result).toMatchObject({
    toolCalls: [{ arguments: { city: "Rome" } }],
    toolCallErrors: [],
    finishReason: "tool-calls",
  });
  const call = new Ajv2020().compile((executor.requests[0]!.guided as { jsonSchema: object }).jsonSchema);
  expect(call({ name: "weather", arguments: { city: "Rome" } })).toBe(true);
  expect(call({ name: "weather", arguments: { city: 5 } })).toBe(false);
  expect(call({ name: "time", arguments: { city: "Rome" } })).toBe(false);
  expect(() => llm.chat(question, { ...named, guided: { json: true } })).toThrow("guided and toolChoice");
});

test("one of several calls is required, whose schemas keep their references", async () => {
  const tree = {
    type: "object",
    properties: { left: { $ref: "#" }, name: { $ref: "#/$defs/name" }, of: { const: { $ref: "#" } } },
    $defs: { name: { type: "string" } },
  };
  const tools = [weather, { name: "plant", parameters: tree }];
  const { executor, llm } = model({
    answer: '{"name": "plant", "parameters": {}}',
    template: "{{ tools }}<|start_header_id|>",
  });
  expect(await llm.chat(question, { tools, toolChoice: "required" }).result).toMatchObject({
    toolCalls: [{ name: "plant" }],
  });
  const call = new Ajv2020().compile((executor.requests[0]!.guided as { jsonSchema: object }).jsonSchema);
  const plant = (values: object) => call({ name: "plant", parameters: values });
  expect(plant({ left: { left: { name: "oak" } }, of: { $ref: "#" } })).toBe(true);
  expect(plant({ left: { left: { name: 5 } } })).toBe(false);
  expect(call({ name: "weather", parameters: { city: "Rome" } })).toBe(true);
  expect(call({ name: "weather", parameters: { name: "oak" } })).toBe(false);
});

test("parts tell the log-probabilities of all tokens that led to them, each once", async () => {
  const answer = `<think>Hm</think>Yes. ${call}`;
  const { llm } = model({ answer });
  const stream = llm.chat(question, { tools: [weather], logProbs: true });
  const told = (await collect(stream)).flatMap((part) => part.told ?? []);
  const tokens = told.flatMap((each) => [...each.tokens]);
  expect(tokens).toEqual([...bytesOf(answer)].slice(0, tokens.length));
  expect(tokens.length).toBeGreaterThan(answer.indexOf("arguments"));
  expect(told.flatMap(({ logProbs }) => [...logProbs!])).toEqual(
    tokens.map((token) => Math.fround(-token / 256)),
  );
  for (const part of await collect(llm.chat(question))) expect(part.told).toBeUndefined();
});

test("reasoning that the template opens is reasoning, and is closed before a required call", async () => {
  const template = `${CHATML}{% if add_generation_prompt %}<think>\n{% endif %}`;
  const { llm } = model({ template, answer: "Hm.</think>Yes." });
  expect(await llm.chat(question).result).toMatchObject({ reasoning: "Hm.", text: "Yes." });
  const text = await promptText({ tools: [weather], toolChoice: "required" }, question, template);
  expect(text).toMatch(/<think>\n\n<\/think>\n\n<tool_call>/);
});

test("marks that are special tokens are seen, where the model has them", async () => {
  const pieces = ["[TOOL_CALLS]", "[ARGS]", "[THINK]", "[/THINK]"];
  const [calls, args, think, thought] = pieces.map((_, index) => 259 + index);
  const template = "{{ tools }}{% for m in messages %}{{ m.content }}{% endfor %}{# [TOOL_CALLS] #}";
  const chunks = [
    [think!, ...bytesOf("Hm"), thought!, calls!, ...bytesOf("weather"), args!],
    [...bytesOf('{"city": "Oslo"}'), IM_END],
  ];
  const { llm } = model({ template, pieces, chunks });
  expect(await llm.chat(question, { tools: [weather] }).result).toMatchObject({
    reasoning: "Hm",
    text: "",
    toolCalls: [{ name: "weather", arguments: { city: "Oslo" } }],
  });
});

test("a call that cannot be used is reported, streaming and at the end", async () => {
  const { llm } = model({ answer: call.replace("city", "town") });
  const stream = llm.chat(question, { tools: [weather] });
  const error = { type: "tool-call-error", name: "weather", reason: "invalid-arguments" };
  expect((await collect(stream)).at(-1)).toMatchObject(error);
  expect(await stream.result).toMatchObject({ finishReason: "end", toolCalls: [], toolCallErrors: [error] });
});

test("an answer can be continued, and its message is whole", async () => {
  const final: ChatMessage = { role: "assistant", content: "The sky is " };
  const { llm } = model({ answer: "blue." });
  const result = await llm.chat([...question, final], { continueFinalMessage: true }).result;
  expect(result.text).toBe("blue.");
  expect(result.message.content).toBe("The sky is blue.");
  const wrong = { continueFinalMessage: true, tools: [weather], toolChoice: "required" } as const;
  expect(() => llm.chat([...question, final], wrong)).toThrow(InvalidRequestError);
  expect(() => llm.chat(question, { continueFinalMessage: true })).toThrow(InvalidRequestError);
});

test("variables reach the template", async () => {
  const template = "{% if enable_thinking %}think{% else %}answer{% endif %}";
  expect(await promptText({ templateVariables: { enable_thinking: true } }, question, template)).toBe(
    "think",
  );
});

test("the text alone leaves reasoning and calls out", async () => {
  const { llm } = model({ answer: `<think>Hm</think>Yes.\n${call}` });
  let text = "";
  for await (const piece of llm.chat(question, { tools: [weather] }).textStream) text += piece;
  expect(text).toBe("Yes.");
});

test("a stop string ends a chat too", async () => {
  const { llm } = model({ answer: "<think>Hm</think>One. Two." });
  const result = await llm.chat(question, { stop: " Two" }).result;
  expect(result).toMatchObject({ text: "One.", reasoning: "Hm", finishReason: "stop", stopString: " Two" });
});

test.each([
  [{ tools: [{ name: "a b" }] }, 'tools[0].name is "a b"'],
  [{ tools: [{ name: "a" }, { name: "a" }] }, 'Two tools are named "a"'],
  [{ tools: [{ name: "a", parameters: { type: "objekt" } }] }, "tools[0].parameters"],
  [{ tools: [{ name: "a", parameters: 5 }] }, "tools[0].parameters"],
  [{ tools: [{ name: "a", parameters: z.object({ at: z.date() }) }] }, "tools[0].parameters"],
  [{ toolChoice: "required" }, "the tools given are: none"],
  [{ tools: [weather], toolChoice: { tool: "time" } }, 'the tools given are: "weather"'],
  [{ toolChoise: "auto" }, '"toolChoise"'],
])("the options %j are refused", (options, reason) => {
  const { llm } = model({});
  expect(() => llm.chat(question, options as ChatOptions)).toThrow(InvalidRequestError);
  expect(() => llm.chat(question, options as ChatOptions)).toThrow(reason);
});

test("an image is refused by name", () => {
  const { llm } = model({});
  const image = [{ role: "user", content: [{ type: "image", url: "https://example.com/cat.png" }] }];
  expect(() => llm.chat(image as never)).toThrow(UnsupportedError);
  expect(() => llm.chat(image as never)).toThrow(/messages\[0\]\.content\[0\] is of type "image"/);
});

test("tools in a format that is not known are refused", () => {
  const { llm } = model({ template: "{{ tools }}<function=" });
  expect(() => llm.chat(question, { tools: [weather] })).toThrow(UnsupportedError);
});
