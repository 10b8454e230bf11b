import { InvalidRequestError } from "@trtllm-node/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { bytesOf, byteVocabulary, CHATML } from "../../test/byte-vocabulary.ts";
import { type Script, ScriptedExecutor } from "../../test/scripted-executor.ts";
import { ObjectError } from "../errors.ts";
import { LLM } from "../llm.ts";
import { VocabularyTokenizer } from "../tokenizer/vocabulary-tokenizer.ts";

const Person = z.object({ name: z.string(), born: z.int() });
const ada = '{"name": "Ada", "born": 1815}';

function create(answer: string, script: Partial<Script> = {}, chatTemplate = CHATML) {
  const chunks = [...bytesOf(answer)].map((byte) => [byte]);
  const vocabulary = byteVocabulary({ chatTemplate });
  const engine = { maxSequenceTokens: 10_000, kvBlocks: 10_000 };
  const executor = new ScriptedExecutor({ chunks, ...script }, { vocabulary, engine });
  return { executor, llm: new LLM(executor, new VocabularyTokenizer(vocabulary)) };
}

test("the answer is an object of the schema, which guides it and is told to the model", async () => {
  const { executor, llm } = create(ada);
  const person = await llm.generateObject("Ada, born 1815", Person);
  expect(person.name.length + person.born).toBe(1818);
  const [request] = executor.requests;
  const { $schema: _, ...schema } = z.toJSONSchema(Person, { io: "input" });
  expect(request!.guided).toMatchObject({ jsonSchema: schema });
  const prompt = Buffer.from(request!.tokens.filter((token) => token < 256)).toString();
  expect(prompt).toContain(JSON.stringify(schema));
  expect(prompt).toMatch(/user\nAda, born 1815\nassistant\n$/);
});

test("a JSON Schema, and messages, do as well", async () => {
  const { executor, llm } = create("[1, 2]");
  const schema = { type: "array", items: { type: "integer" } };
  const messages = [
    { role: "system", content: "Be exact." },
    { role: "user", content: "Count." },
  ] as const;
  expect(await llm.generateObject(messages, schema)).toEqual([1, 2]);
  expect(executor.requests[0]!.guided).toEqual({ jsonSchema: schema });
  expect(Buffer.from(executor.requests[0]!.tokens).toString()).toContain("Be exact.\n\nAnswer with JSON");
});

test("the object streams state by state", async () => {
  const { llm } = create(ada);
  const stream = llm.streamObject("Ada", Person);
  const states: unknown[] = [];
  for await (const state of stream) states.push(state);
  expect(states).toEqual([
    {},
    { name: "" },
    { name: "A" },
    { name: "Ad" },
    { name: "Ada" },
    { name: "Ada", born: 1815 },
  ]);
  expect(await stream.result).toMatchObject({ object: states.at(-1), text: ada, finishReason: "end" });
});

test("the text alone is the object's JSON", async () => {
  const { llm } = create(ada);
  let text = "";
  for await (const piece of llm.streamObject("Ada", Person).textStream) text += piece;
  expect(text).toBe(ada);
});

test("zod's defaults and transforms make the object", async () => {
  const { llm } = create('{"name": " Ada "}');
  const schema = z.object({
    name: z.string().transform((name) => name.trim()),
    title: z.string().default("Dr"),
  });
  expect(await llm.generateObject("Ada", schema)).toEqual({ name: "Ada", title: "Dr" });
});

test("an object that was cut off says by what, and what there was", async () => {
  const { llm } = create('{"name": "Ad', { finishReason: "length" });
  const cut = llm.generateObject("Ada", Person);
  await expect(cut).rejects.toBeInstanceOf(ObjectError);
  await expect(cut).rejects.toMatchObject({ code: "ERR_OBJECT_INCOMPLETE", text: '{"name": "Ad' });
  await expect(cut).rejects.toThrow("maxTokens");
});

test("an object that breaks a rule of zod's that JSON Schema lacks is refused", async () => {
  const { llm } = create(ada);
  const adult = Person.refine(({ born }) => born < 1800, "must be born before 1800");
  const refused = llm.generateObject("Ada", adult);
  await expect(refused).rejects.toMatchObject({ code: "ERR_OBJECT_INVALID", text: ada });
  await expect(refused).rejects.toThrow("must be born before 1800");
});

test("reasoning that the template opens is closed before the object", async () => {
  const { executor, llm } = create(ada, {}, `${CHATML}{% if add_generation_prompt %}<think>\n{% endif %}`);
  await llm.generateObject("Ada", Person);
  const prompt = Buffer.from(executor.requests[0]!.tokens.filter((token) => token < 256)).toString();
  expect(prompt).toMatch(/<think>\n\n<\/think>\n\n$/);
});

test("leaving the loop cancels, and a schema that cannot be used is refused at once", async () => {
  const { executor, llm } = create(ada, { endless: true });
  for await (const _ of llm.streamObject("Ada", Person)) break;
  expect(executor.cancelled).toBe(1);
  expect(() => llm.streamObject("Ada", z.object({ at: z.date() }))).toThrow(InvalidRequestError);
});
