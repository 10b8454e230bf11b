import { InvalidRequestError, UnsupportedError } from "@trtllm-node/core";
import { LLM } from "@trtllm-node/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { modelPath } from "./support/model.ts";

let llm: LLM;
beforeAll(async () => {
  llm = await LLM.load(modelPath(), { embedded: { maxSequenceTokens: 256 } });
});
afterAll(() => llm?.dispose());

const prompt = "The capital of France is";

test("the score of a greedy answer is the sum of the log-probabilities that it was generated with", async () => {
  const { text, tokens, logProbs } = await llm.generate(prompt, { maxTokens: 6, logProbs: true });
  const score = await llm.score(text, { after: prompt });
  expect(score.tokens).toEqual(tokens);
  expect(score.logProbs).toHaveLength(tokens.length);
  expect(score.logProb).toBeCloseTo(
    logProbs!.reduce((sum, value) => sum + value, 0),
    1,
  );
});

test("a text without anything before it is scored from its second token", async () => {
  const { tokens, logProbs } = await llm.score("The sky is blue.");
  expect(tokens).toHaveLength((await llm.countTokens("The sky is blue.")) - 1);
  for (const value of logProbs) expect(value).toBeLessThanOrEqual(0);
});

test("the likelier text scores higher", async () => {
  const [paris, banana] = await Promise.all(
    [" Paris", " bananas"].map((text) => llm.score(text, { after: prompt })),
  );
  expect(paris!.logProb).toBeGreaterThan(banana!.logProb);
});

test("classify takes the most likely choice, with probabilities among the choices", async () => {
  const { choice, scores } = await llm.classify(prompt, [" Rome", " Paris", " bananas"]);
  expect(choice).toBe(" Paris");
  expect(scores.map((score) => score.choice)).toEqual([" Rome", " Paris", " bananas"]);
  expect(scores.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6);
  const inChat = await llm.classify(
    [{ role: "user", content: "Is Paris in France? Answer yes or no." }],
    ["Yes", "Purple"],
  );
  expect(inChat.choice).toBe("Yes");
});

test("several answers come from several seeds, and the best of them is the likeliest", async () => {
  const options = { n: 2, maxTokens: 8, temperature: 1, seed: 5 };
  const both = await llm.generateSeveral("Once upon a time", options);
  const alone = await llm.generate("Once upon a time", { maxTokens: 8, temperature: 1, seed: 6 });
  expect(both).toHaveLength(2);
  expect(both[1]!.text).toBe(alone.text);
  const [best] = await llm.generateSeveral("Once upon a time", { ...options, n: 1, bestOf: 3 });
  const mean = (logProbs: Float32Array) => logProbs.reduce((sum, p) => sum + p, 0) / logProbs.length;
  const all = await llm.generateSeveral("Once upon a time", { ...options, n: 3, logProbs: true });
  expect(mean(best!.logProbs!)).toBe(Math.max(...all.map(({ logProbs }) => mean(logProbs!))));
});

test("what cannot be asked is refused by name", async () => {
  await expect(llm.classify(prompt, ["one"])).rejects.toBeInstanceOf(InvalidRequestError);
  await expect(llm.classify(prompt, ["one", "one"])).rejects.toBeInstanceOf(InvalidRequestError);
  await expect(llm.generateSeveral(prompt, { n: 2 })).rejects.toThrow("temperature");
  await expect(llm.generateSeveral(prompt, { n: 2, bestOf: 1, temperature: 1 })).rejects.toThrow("bestOf");
  await expect(llm.embed("Hello")).rejects.toBeInstanceOf(UnsupportedError);
});
