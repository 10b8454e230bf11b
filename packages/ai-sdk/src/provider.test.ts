import { NoSuchModelError } from "@ai-sdk/provider";
import { EnginePool } from "@trtllm-node/runtime";
import { expect, test } from "vitest";
import { says, scriptedModel } from "../test/scripted-model.ts";
import { createTrtllm } from "./index.ts";

const prompt = [{ role: "user" as const, content: [{ type: "text" as const, text: "Hi" }] }];

test("models are found by the names of their engines", async () => {
  const [small, large] = [await scriptedModel(says("small")), await scriptedModel(says("large"))];
  const provider = createTrtllm({ engines: { small: small.llm, large: large.llm } });
  for (const name of ["small", "large"]) {
    for (const model of [provider(name), provider.languageModel(name)]) {
      expect(model).toMatchObject({ provider: "trtllm", modelId: name, specificationVersion: "v3" });
      expect((await model.doGenerate({ prompt })).content).toEqual([{ type: "text", text: name }]);
    }
  }
});

test("the models of a pool are found by name, also those that are added later", async () => {
  const { executor, llm } = await scriptedModel(says("Yes"));
  const pool = new EnginePool(async () => ({ executor, tokenizer: llm.tokenizer }));
  const provider = createTrtllm({ engines: pool });
  expect(() => provider("a")).toThrow(NoSuchModelError);
  await pool.add("a", { path: executor.engine.path });
  expect((await provider("a").doGenerate({ prompt })).content).toEqual([{ type: "text", text: "Yes" }]);
});

test("an unknown model is refused, and told which there are", async () => {
  const { llm } = await scriptedModel(says("Yes"));
  const provider = createTrtllm({ engines: { small: llm } });
  for (const name of ["tiny", "toString"]) {
    expect(() => provider(name)).toThrow(NoSuchModelError);
    expect(() => provider(name)).toThrow('Those given to createTrtllm are: "small".');
  }
});

test("embeddings and images are refused with the reason", () => {
  const provider = createTrtllm({ engines: {} });
  expect(() => provider.embeddingModel("small")).toThrow(NoSuchModelError);
  expect(() => provider.embeddingModel("small")).toThrow("computes no embeddings");
  expect(() => provider.imageModel("small")).toThrow(NoSuchModelError);
});
