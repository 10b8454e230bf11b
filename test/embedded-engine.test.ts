import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildEngine, type WeightQuantization } from "@trtllm-node/engine-builder";
import { LLM } from "@trtllm-node/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTexts } from "../packages/engine-builder/test/checkpoint-suite.ts";
import { writeRandomModel } from "../packages/engine-builder/test/random-model.ts";
import { standIns } from "../packages/engine-builder/test/stand-in/tools.ts";

describe("engines for the embedded executor", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "embedded-"));
    await writeRandomModel(join(folder, "model"));
    await writeTexts(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function build(weights: WeightQuantization, parallel = {}): Promise<LLM> {
    const calibration = { dataset: join(folder, "texts.txt"), maxTokens: 16 };
    const { output } = await buildEngine(
      {
        model: join(folder, "model"),
        output: join(folder, `${weights}${JSON.stringify(parallel)}`),
        target: "embedded",
        quantization: { weights, ...(weights !== "none" && { calibration }) },
        parallel,
        limits: { maxBatchSize: 2, maxSequenceTokens: 256 },
      },
      { tools: standIns },
    );
    return LLM.load(output);
  }

  const answer = async (llm: LLM) => [...(await llm.generate("the thing", { maxTokens: 24 })).tokens];

  it("answer the same however many ranks the checkpoint had", async () => {
    await using whole = await build("none");
    await using sharded = await build("none", { tensor: 2, pipeline: 2 });
    expect(await answer(sharded)).toEqual(await answer(whole));
  });

  it.each(["fp8", "nvfp4", "int4-awq"] as const)(
    "run in %s, with the limits they were built with",
    async (weights) => {
      await using llm = await build(weights, { tensor: 2 });
      expect(llm.engine).toMatchObject({ maxBatchSize: 2, maxSequenceTokens: 256 });
      expect(await answer(llm)).toHaveLength(24);
    },
  );

  it("know their tokens, so that grammars hold", async () => {
    await using llm = await build("fp8");
    const { text } = await llm.generate("in", { maxTokens: 8, guided: { regex: "(the|in){2}" } });
    expect(text).toMatch(/^(the|in){2}$/);
  });
});
