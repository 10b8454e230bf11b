import { Executor, type TokenResult } from "@trtllm-node/core";
import { describe, expect, it } from "vitest";
import { hasOpenVino, openVinoEngine, runOpenVinoGenAi } from "./support/openvino.ts";
import { twentyPrompts } from "./support/prompts.ts";

const newTokens = 24;
const withOpenVino = await hasOpenVino();
/** Two tokens whose log-probabilities are closer than this may change places when a batch rounds otherwise. */
const nearTie = 0.1;

/** The answer; from a near tie on that fell the other way, what is expected. */
function untilNearTie({ tokens, topLogProbs }: TokenResult, expected: readonly number[]): number[] {
  const first = tokens.findIndex((token, i) => token !== expected[i]);
  if (first < 0) return [...tokens];
  const best = topLogProbs!.tokens.subarray(2 * first, 2 * first + 2);
  const [most, second] = topLogProbs!.logProbs.subarray(2 * first, 2 * first + 2);
  const tied = best.includes(expected[first]!) && most! - second! < nearTie;
  return tied ? [...tokens.subarray(0, first), ...expected.slice(first)] : [...tokens];
}

describe.runIf(withOpenVino)("greedy output equals OpenVINO GenAI's own on the same IR", () => {
  it("for 20 prompts, one after the other and all in flight at once", async () => {
    const path = openVinoEngine("Q8_0");
    await using executor = await Executor.create(path, {
      maxBatchSize: twentyPrompts.length,
      // In pieces a prompt's 8-bit keys round otherwise: compute it whole, on both sides.
      maxNumTokens: 4096,
      kvCache: { enableBlockReuse: false },
      gatherGenerationLogits: true,
      embedded: { maxSequenceTokens: 1024 },
    });
    expect(executor.engine.format).toBe("openvino");
    const prompts = twentyPrompts.map((prompt) => [...executor.vocabulary!.tokenize(prompt)]);
    const task = { model: path, prompts, newTokens, maxNumTokens: 4096, prefixCaching: false, warmUp: false };
    const answer = (tokens: number[]) =>
      executor.submit({ tokens, maxTokens: newTokens, logProbs: true, topLogProbs: 2 }).result;

    const alone = await runOpenVinoGenAi({ ...task, together: false });
    for (const [i, tokens] of prompts.entries()) {
      expect([...(await answer(tokens)).tokens], `alone: ${twentyPrompts[i]}`).toEqual(alone.tokens[i]);
    }

    const together = await runOpenVinoGenAi({ ...task, together: true });
    // Which prompts share a step depends on when they arrive.
    const results = await Promise.all(prompts.map(answer));
    for (const [i, result] of results.entries()) {
      const expected = together.tokens[i]!;
      expect(untilNearTie(result, expected), `in flight: ${twentyPrompts[i]}`).toEqual(expected);
    }
  });
});

describe.runIf(withOpenVino)("of a directory with OpenVINO IR and a GGUF", () => {
  it.each([
    [{ maxBatchSize: 2 }, "openvino"],
    [{ maxBatchSize: 1 }, "gguf"],
    [{ maxBatchSize: 1, embedded: { runner: "openvino" } }, "openvino"],
    [{ maxBatchSize: 2, embedded: { runner: "llama.cpp" } }, "gguf"],
  ] as const)("%j loads what is computed faster, or what is asked for", async (options, format) => {
    await using executor = await Executor.create(openVinoEngine("Q8_0"), options);
    expect(executor.engine.format).toBe(format);
    expect(executor.vocabulary!.tokenize("The capital of France is")).toEqual(
      Int32Array.of(504, 3575, 282, 4649, 314),
    );
  });
});
