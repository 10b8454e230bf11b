import { ConfigError, InvalidRequestError } from "@trtllm-node/core";
import { evaluate, LLM } from "@trtllm-node/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "./support/cli.ts";
import { modelPath } from "./support/model.ts";

const text =
  "The water cycle describes how water moves above, on and below the ground. The sun warms the sea, and water " +
  "rises as vapour. High up it cools and becomes clouds, from which it falls again as rain or snow.";

describe("evaluate", () => {
  let llm: LLM;
  let other: LLM;
  beforeAll(async () => {
    const options = { embedded: { maxSequenceTokens: 256 } };
    llm = await LLM.load(modelPath("Q4_0"), options);
    other = await LLM.load(modelPath("Q8_0"), options);
  });
  afterAll(async () => {
    await llm?.dispose();
    await other?.dispose();
  });

  it("gives an engine its own perplexity, and full agreement with itself", async () => {
    const result = await evaluate(llm, llm, text);
    const score = await llm.score(text);
    expect(result.tokens).toBe(score.tokens.length);
    expect(Math.log(result.perplexity)).toBeCloseTo(-score.logProb / score.tokens.length, 2);
    expect(result.referencePerplexity).toBe(result.perplexity);
    expect(result.topAgreement).toBe(1);
  });

  it("counts where the likeliest token is another one", async () => {
    const result = await evaluate(llm, other, text);
    const tops = await Promise.all(
      [llm, other].map(async (each) => {
        const { promptTopLogProbs } = await each.generate(text, {
          maxTokens: 1,
          promptLogProbs: true,
          topLogProbs: 1,
        });
        return promptTopLogProbs!.tokens.subarray(1);
      }),
    );
    const agreed = tops[0]!.filter((token, i) => token === tops[1]![i]).length;
    expect(result.topAgreement).toBeCloseTo(agreed / tops[0]!.length, 1);
    expect(result.topAgreement).toBeLessThan(1);
    expect(result.perplexity).not.toBe(result.referencePerplexity);
  });

  it("cuts a long text into windows whose first tokens are not scored", async () => {
    const fractions: number[] = [];
    const onProgress = (fraction: number) => void fractions.push(fraction);
    const { tokens } = await evaluate(llm, llm, text, { windowTokens: 10, onProgress });
    const total = await llm.countTokens(text);
    expect(fractions.at(-1)).toBe(1);
    expect(tokens).toBe(total - Math.ceil(total / 10));
  });

  it.each([1, 300, 2.5])("refuses windows of %s tokens", async (windowTokens) => {
    await expect(evaluate(llm, llm, text, { windowTokens })).rejects.toThrow(ConfigError);
  });

  it("refuses a text that has nothing to score", async () => {
    await expect(evaluate(llm, llm, "")).rejects.toThrow(InvalidRequestError);
  });
});

it("trtllm-node evaluate prints what it found", async () => {
  const args = [
    "evaluate",
    modelPath("Q4_0"),
    "--against",
    modelPath("Q8_0"),
    "--max-sequence-tokens",
    "256",
    "--json",
  ];
  const { stdout } = await runCli(args, { input: text });
  expect(JSON.parse(stdout)).toMatchObject({
    topAgreement: expect.any(Number),
    perplexity: expect.any(Number),
  });
});
