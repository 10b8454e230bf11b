import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText, cut } from "../../test/any-text.ts";
import { ChatParser, reasoningTags } from "./chat-parser.ts";
import type { ChatPart } from "./chat-part.ts";
import { hermes, llama3, mistral, type ToolFormat } from "./tool-format.ts";
import { ToolSet } from "./tools.ts";

const tools = new ToolSet([
  { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
  { name: "add", parameters: { type: "object", required: ["a"] } },
]);

type Merged = Record<string, unknown> & { type: string };

/** What the parts say, whatever the pieces: deltas joined, ids as numbers in order. */
function merge(parts: readonly ChatPart[]): Merged[] {
  const merged: Merged[] = [];
  const ids: string[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if ("id" in part && !ids.includes(part.id)) ids.push(part.id);
    const numbered: Merged = "id" in part ? { ...part, id: ids.indexOf(part.id) } : { ...part };
    if (last?.type === part.type && last.id === numbered.id && part.type.endsWith("delta")) {
      last.text = `${last.text}${numbered.text}`;
    } else merged.push(numbered);
  }
  return merged;
}

function parse(pieces: readonly string[], format: ToolFormat | undefined): Merged[] {
  const parser = new ChatParser(format && { format, tools });
  return merge([...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()]);
}

const one = (text: string, format: ToolFormat) => parse([text], format);

interface Call {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}

const call: fc.Arbitrary<Call> = fc.record({
  name: fc.constantFrom("weather", "add"),
  arguments: fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 }).map((values) => ({
    ...(JSON.parse(JSON.stringify(values)) as object),
    city: 'Paris }</tool_call>{ [TOOL_CALLS] \\"',
    a: 1,
  })),
});

function callParts({ name, arguments: values }: Call, id: number, json: string): Merged[] {
  return [
    { type: "tool-call-start", id, name },
    { type: "tool-call-delta", id, text: json },
    { type: "tool-call-end", id, name, arguments: values },
  ];
}

/** How each format writes calls, made from the models' own documentation. */
const writers: Record<string, { format: ToolFormat; write(calls: readonly Call[], json: string[]): string }> =
  {
    "Hermes, one block each": {
      format: hermes,
      write: (calls, json) =>
        calls
          .map(({ name }, i) => `<tool_call>\n{"name": "${name}", "arguments": ${json[i]}}\n</tool_call>`)
          .join("\n"),
    },
    "Hermes, a list in one block": {
      format: hermes,
      write: (calls, json) =>
        `<tool_call>[${calls.map(({ name }, i) => `{"arguments": ${json[i]}, "name": "${name}"}`)}]</tool_call>`,
    },
    "Llama 3": {
      format: llama3,
      write: (calls, json) =>
        `<|python_tag|>${calls.map(({ name }, i) => `{"name": "${name}", "parameters": ${json[i]}}`).join("; ")}`,
    },
    "Llama 3 without its mark": {
      format: llama3,
      write: (calls, json) =>
        calls
          .map(({ name }, i) => `{"type": "function", "name": "${name}", "parameters": ${json[i]}}`)
          .join("\n"),
    },
    "Mistral, a list": {
      format: mistral,
      write: (calls, json) =>
        `[TOOL_CALLS] [${calls.map(({ name }, i) => `{"name": "${name}", "arguments": ${json[i]}, "id": "a"}`).join(", ")}]`,
    },
    "Mistral, by name": {
      format: mistral,
      write: (calls, json) =>
        calls.map(({ name }, i) => `[TOOL_CALLS]${name}[CALL_ID]x1[ARGS]${json[i]}`).join(""),
    },
  };

describe.each(Object.entries(writers))("%s", (name, { format, write }) => {
  const leads = name.includes("without");

  test("reasoning, text and calls come apart, however the answer is cut", () => {
    fc.assert(
      fc.property(
        fc.option(fc.tuple(fc.constantFrom(...reasoningTags), anyText)),
        leads ? fc.constant("") : fc.stringMatching(/^([a-z<[]+ ?)*$/),
        fc.array(call, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(undefined, 1),
        fc.array(fc.nat(), { maxLength: 30 }),
        (thought, text, calls, indent, cuts) => {
          const reasoning = thought?.[1].replaceAll(thought[0].closer, "").trim() ?? "";
          const json = calls.map((each) => JSON.stringify(each.arguments, null, indent));
          const before = thought
            ? `\n${thought[0].opener}\n${thought[1].replaceAll(thought[0].closer, "")}${thought[0].closer}\n\n`
            : "";
          const answer = `${before}${text}\n${write(calls, json)}`;
          const pieces = cut([...answer], cuts).map((characters) => characters.join(""));
          const expectedText = text.trimEnd();
          expect(parse(pieces, format)).toEqual([
            ...(reasoning === "" ? [] : [{ type: "reasoning-delta", text: reasoning }]),
            ...(expectedText === "" ? [] : [{ type: "text-delta", text: expectedText }]),
            ...calls.flatMap((each, id) => callParts(each, id, json[id]!)),
          ]);
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** Without what structure alone is made of. */
function content(text: string): string {
  return text
    .replace(/<\/?(?:tool_call|think)>|\[TOOL_CALLS\]|<\|python_tag\|>/g, "")
    .replace(/[\s,;[\]]/g, "");
}

test("any text gives the same parts however it is cut, and nothing of it is lost", () => {
  const marks = [
    "<tool_call>",
    "</tool_call>",
    "[TOOL_CALLS]",
    "<|python_tag|>",
    "add[ARGS]",
    "<think>",
    "</think>",
  ];
  const json = ['{"name": "add"', ', "arguments": {', '{"city": "', "}", '"', "\\", "[", "]", ";", "\n"];
  const noise = fc.array(fc.oneof(fc.constantFrom(...marks, ...json), fc.string({ maxLength: 3 })), {
    maxLength: 12,
  });
  const formats = fc.constantFrom(hermes, llama3, mistral, undefined);
  fc.assert(
    fc.property(noise, formats, fc.array(fc.nat()), (words, format, cuts) => {
      const text = words.join("");
      const whole = parse([text], format);
      const pieces = cut([...text], cuts).map((characters) => characters.join(""));
      expect(parse(pieces, format)).toEqual(whole);
      // Each call that began has one end.
      const ends = (type: string) => whole.filter((part) => part.type === type).map(({ id }) => id);
      const ended = [...ends("tool-call-end"), ...ends("tool-call-error")];
      expect(ended).toEqual([...new Set(ended)]);
      expect(ended).toEqual(expect.arrayContaining(ends("tool-call-start")));
      if (ends("tool-call-end").length > 0) return;
      const said = whole.filter(({ type }) => type !== "tool-call-delta").map((part) => part.text ?? "");
      expect(content(said.join(""))).toBe(content(text));
    }),
    { numRuns: 3000 },
  );
});

test("text and arguments are given as soon as they are sure", () => {
  const parser = new ChatParser({ format: hermes, tools });
  const types = (piece: string) => parser.push(piece).map((part) => ("text" in part ? part.text : part.type));
  expect(types("Let me")).toEqual(["Let me"]);
  expect(types(" see.\n<tool")).toEqual([" see."]);
  expect(types('_call>{"name": "wea')).toEqual([]);
  expect(types('ther", "arguments": {"ci')).toEqual(["tool-call-start", '{"ci']);
  expect(types('ty": "Pa')).toEqual(['ty": "Pa']);
  expect(types('ris"}')).toEqual(['ris"}']);
  expect(types("}")).toEqual(["tool-call-end"]);
});

test("without tools the marks of calls are text", () => {
  expect(parse(["<tool_call>{}</tool_call>"], undefined)).toEqual([
    { type: "text-delta", text: "<tool_call>{}</tool_call>" },
  ]);
});

test("a reasoning mark inside the text is text, and white space of a plain answer stays", () => {
  const text = "\n Use <think>x</think> to think. \n";
  expect(parse([text], undefined)).toEqual([{ type: "text-delta", text }]);
});

test("reasoning that is cut off is still reasoning", () => {
  expect(parse(["<think>\nHm, </thi"], undefined)).toEqual([{ type: "reasoning-delta", text: "Hm, </thi" }]);
});

test.each([
  [hermes, '<tool_call>{"name": "add", "arguments": {"a": 1}</tool_call> Done.', "malformed", "add"],
  [hermes, "<tool_call>add(1)</tool_call> Done.", "malformed", undefined],
  [hermes, '<tool_call>{"name": "add", "arguments": 5}</tool_call> Done.', "malformed", "add"],
  [hermes, '<tool_call>{"name": "mul", "arguments": {}}</tool_call> Done.', "unknown-tool", "mul"],
  [hermes, '<tool_call>{"name": "add", "arguments": {"b": 1}}</tool_call> Done.', "invalid-arguments", "add"],
  [hermes, '<tool_call>{"name": "add", "argum', "incomplete", "add"],
  [hermes, "<tool_call>", "malformed", undefined],
  [llama3, '<|python_tag|>print("hi")', "malformed", undefined],
  [llama3, '{"name": "mul", "parameters": {}}', "unknown-tool", "mul"],
  [llama3, '{"name": "add", "parameters": {"a": 1', "incomplete", "add"],
  [mistral, '[TOOL_CALLS][{"name": "add", "arguments": {"a": 01}}]', "malformed", "add"],
  [mistral, '[TOOL_CALLS]add[ARGS]{"a"', "incomplete", "add"],
])("a call that cannot be used is reported: $name, %s", (format, text, reason, name) => {
  const parts = one(text, format).filter(({ type }) => type === "tool-call-error" || type === "text-delta");
  expect(parts[0]).toMatchObject({ type: "tool-call-error", reason, ...(name && { name }) });
  expect(parts[0]!.message).not.toBe("");
  if (text.endsWith("Done.")) expect(parts[1]).toEqual({ type: "text-delta", text: "Done." });
});

test("JSON that is no call is text where only its content could say so", () => {
  for (const text of ['{"name": "Ada", "born": 1815} is she.', '{"a": [1, 2', "{ not JSON }"]) {
    expect(one(text, llama3)).toEqual([{ type: "text-delta", text }]);
  }
});

test("arguments written as a string are read", () => {
  expect(one('<tool_call>{"name": "add", "arguments": "{\\"a\\": 1}"}</tool_call>', hermes)).toEqual([
    { type: "tool-call-start", id: 0, name: "add" },
    { type: "tool-call-delta", id: 0, text: '{"a":1}' },
    { type: "tool-call-end", id: 0, name: "add", arguments: { a: 1 } },
  ]);
});
