import { readFile } from "node:fs/promises";
import { gguf } from "@huggingface/gguf";
import { afterAll, describe, expect, test } from "vitest";
import { HuggingFace } from "../../../../test/support/hugging-face.ts";
import { modelPath } from "../../../../test/support/model.ts";
import { chatTemplates } from "../../test/chat-templates.ts";
import { TemplateProgram } from "./template-program.ts";

const python = new HuggingFace();
afterAll(() => python[Symbol.asyncDispose]());

async function published(name: string): Promise<[string, string]> {
  const path = new URL(`../../../../.cache/tokenizers/${name}/tokenizer_config.json`, import.meta.url);
  return [name, JSON.parse(await readFile(path, "utf8")).chat_template];
}

const { metadata } = (await gguf(modelPath(), { allowLocalFile: true })) as {
  metadata: Record<string, unknown>;
};
const templates: [string, string][] = [
  ["SmolLM2", metadata["tokenizer.chat_template"] as string],
  ...(await Promise.all(["llama3_1", "qwen3", "gemma3"].map(published))),
  ...Object.entries(chatTemplates),
];

const system = { role: "system", content: ' Be <brief> & "kind".\n' };
const user = { role: "user", content: "  Grüße, 世界 👩🏽‍🚀\n\u2028'x' \\ <|im_end|>  " };
const thinking = { role: "assistant", content: "<think>\nhm\n</think>\n\nYes. " };
const call = {
  type: "function",
  id: "call12345",
  function: { name: "weather", arguments: { city: "Łódź", n: [1, 2.5, true, null] } },
};
const calling = { role: "assistant", content: "", tool_calls: [call] };
const result = { role: "tool", tool_call_id: "call12345", content: '{"c": 3}' };
const tools = [
  {
    type: "function",
    function: {
      name: "weather",
      description: "The weather's state",
      parameters: { type: "object", properties: { city: { type: "string" } } },
    },
  },
];
const conversations = {
  "a question": [user],
  "a system message": [system, user],
  "several turns": [system, user, thinking, user, thinking, user],
  "a call and its result": [system, user, calling, result],
  "a call first": [user, calling, result, thinking, user],
  "two users in a row": [user, user],
  "a role that is not known": [{ role: "narrator", content: "Once" }],
};
const surroundings = [
  { tools: null, documents: null, add_generation_prompt: true },
  { tools, documents: [{ title: "A", text: "B" }], add_generation_prompt: false, enable_thinking: false },
];

describe.each(templates)("the template of %s", (_, source) => {
  const program = new TemplateProgram(source);

  test.each(Object.entries(conversations))("writes %s as transformers does", async (_, messages) => {
    for (const variables of surroundings) {
      const all = { ...variables, messages, bos_token: "<s>", eos_token: "</s>" };
      const expected = await python.render(source, all);
      if ("error" in expected)
        expect(() => program.run(all)).toThrow(expected.error.replace(/^TemplateError: /, ""));
      else expect(program.run(all)).toBe(expected.text);
    }
  });
});

const doubled = (what: string, times: number, start: string) =>
  `{% set ns = namespace(v=${start}) %}{% for i in range(${times}) %}{% set ns.v = ${what} %}{% endfor %}`;

test.each([
  ["loops for ever", "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}"],
  ["counts too far", "{% for i in range(10 ** 12) %}{% endfor %}"],
  ["recurses", "{% macro a(f) %}{{ f(f) }}{% endmacro %}{{ a(a) }}"],
  ["nests deeply", `{{ ${"(".repeat(100_000)}1${")".repeat(100_000)} }}`],
  ["makes a huge text", `${doubled("ns.v ~ ns.v", 100, "'x'")}{{ ns.v }}`],
  ["makes a huge list", `${doubled("ns.v + ns.v", 100, "[1]")}{{ ns.v | tojson }}`],
  ["makes a small list with a huge text", `${doubled("[ns.v, ns.v]", 100, "[1]")}{{ ns.v | tojson }}`],
  [
    "replaces every letter by a huge text",
    `${doubled("ns.v ~ ns.v", 22, "'x'")}{{ ns.v | replace('x', ns.v) }}`,
  ],
  ["indents without end", "{{ [1, [2]] | tojson(indent=1000000000) }}"],
  ["keeps its own lexer busy", `a${" \n".repeat(300_000)}b {%- if true %}{% endif %}`],
  ["is huge itself", "x".repeat(2_000_000)],
  ["calls what is not there", "{{ ''.constructor.constructor('return process')() }}"],
])("a template that %s ends in an error", (_, source) => {
  expect(() => new TemplateProgram(source).run({ messages: [] })).toThrow();
});

test("names of prototypes are names like any other", () => {
  const run = (source: string) => new TemplateProgram(source).run({ message: { role: "user" } });
  expect(run("{{ message.__proto__ }}{{ message.constructor }}{{ __proto__ }}{{ toString }}")).toBe("");
  expect(run("{% set __proto__ = 5 %}{{ __proto__ }}{% set constructor = 6 %}{{ constructor }}")).toBe("56");
});
