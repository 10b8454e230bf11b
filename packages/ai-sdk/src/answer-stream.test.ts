import type { LanguageModelV3FunctionTool, LanguageModelV3StreamPart } from "@ai-sdk/provider";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOf } from "../../runtime/test/byte-vocabulary.ts";
import { scriptedModel } from "../test/scripted-model.ts";
import { contentOf } from "./answer-blocks.ts";

const prompt = [{ role: "user" as const, content: [{ type: "text" as const, text: "Hi" }] }];
const tools: LanguageModelV3FunctionTool[] = [
  {
    type: "function",
    name: "add",
    inputSchema: { type: "object", properties: { a: { type: "number" } }, required: ["a"] },
  },
];

/** What a consumer of the AI SDK relies on. */
function checkOrder(parts: readonly LanguageModelV3StreamPart[]): void {
  expect(parts.slice(0, 2).map(({ type }) => type)).toEqual(["stream-start", "response-metadata"]);
  expect(parts.at(-1)!.type).toBe("finish");
  const open = new Map<string, string>();
  const seen = new Set<string>();
  const inputs = new Map<string, { name: string; text: string }>();
  for (const part of parts.slice(2, -1)) {
    const [, kind, step] = /^(text|reasoning|tool-input)-(start|delta|end)$/.exec(part.type) ?? [];
    if (part.type === "tool-call") {
      const { name, text } = inputs.get(part.toolCallId)!;
      expect(part.toolName).toBe(name);
      if (part.providerMetadata === undefined) expect(JSON.parse(part.input)).toEqual(JSON.parse(text));
      else expect(part.input).toBe(text);
      inputs.delete(part.toolCallId);
      continue;
    }
    expect(kind).toBeDefined();
    const { id } = part as { id: string };
    if (step === "start") {
      expect([...open.keys()]).toEqual([]);
      expect(seen).not.toContain(id);
      open.set(id, kind!);
      seen.add(id);
      if (part.type === "tool-input-start") inputs.set(id, { name: part.toolName, text: "" });
      continue;
    }
    expect(open.get(id)).toBe(kind);
    if (step === "end") open.delete(id);
    if (part.type === "tool-input-delta") inputs.get(id)!.text += part.delta;
  }
  expect([...open.keys(), ...inputs.keys()]).toEqual([]);
}

const piece = fc.oneof(
  fc.constantFrom(
    '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>',
    '<tool_call>{"arguments": {"a": 2}, "name": "add"}</tool_call>',
    '<tool_call>{"name": "add", "arguments": {"b": 1}}</tool_call>',
    '<tool_call>{"name": "add", "arguments": 5}</tool_call>',
    '<tool_call>{"name": "mul", "arguments": {}}</tool_call>',
    '<tool_call>{"name": "add", "argum',
    "<tool_call>add(1)</tool_call>",
    "<think>\nHm, é.\n</think>\n",
    "<think>",
    "</think>",
    " ",
    "\n",
  ),
  fc.string({ unit: "grapheme", maxLength: 5 }),
);
const answer = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(""));

test("for any answer, parts come in the order of the specification, and doGenerate gives the same", async () => {
  await fc.assert(
    fc.asyncProperty(answer, fc.array(fc.nat(12)), async (text, cuts) => {
      const bytes = [...bytesOf(text)];
      const chunks = [...cuts, bytes.length]
        .map((cut) => bytes.splice(0, cut))
        .filter(({ length }) => length > 0);
      const { model } = await scriptedModel({ chunks });
      const { stream } = await model.doStream({ prompt, tools });
      const parts: LanguageModelV3StreamPart[] = [];
      for await (const part of stream) parts.push(part);
      checkOrder(parts);
      const generated = await model.doGenerate({ prompt, tools });
      const withoutIds = (content: readonly object[]) =>
        content.map((part) => ("toolCallId" in part ? { ...part, toolCallId: "" } : part));
      expect(withoutIds(generated.content)).toEqual(withoutIds(contentOf(parts)));
      const finish = parts.at(-1) as Extract<LanguageModelV3StreamPart, { type: "finish" }>;
      expect(finish).toEqual({
        type: "finish",
        finishReason: generated.finishReason,
        usage: generated.usage,
        providerMetadata: generated.providerMetadata,
      });
      const called = parts.some(({ type }) => type === "tool-call");
      expect(finish.finishReason).toEqual({
        unified: called ? "tool-calls" : "stop",
        raw: expect.any(String),
      });
    }),
    { numRuns: 100 },
  );
});

test("nothing that the model wrote is lost, also not a call that names no tool", async () => {
  const { model } = await scriptedModel({ chunks: [[...bytesOf("So: <tool_call>add(1)</tool_call>")]] });
  const { content } = await model.doGenerate({ prompt, tools });
  expect(content).toEqual([{ type: "text", text: "So:add(1)" }]);
});

test("raw parts are those of the runtime, on request", async () => {
  const { model } = await scriptedModel({ chunks: [[...bytesOf("Yes")]] });
  const { stream } = await model.doStream({ prompt, includeRawChunks: true });
  const raw: unknown[] = [];
  for await (const part of stream) if (part.type === "raw") raw.push(part.rawValue);
  expect(raw).toEqual([{ type: "text-delta", text: "Yes" }]);
});
