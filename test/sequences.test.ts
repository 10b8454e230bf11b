import { Executor, type SequenceResult } from "@trtllm-node/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { modelPath } from "./support/model.ts";

let executor: Executor;
let prompt: Int32Array;

beforeAll(async () => {
  executor = await Executor.create(modelPath(), {
    maxBatchSize: 8,
    maxBeamWidth: 4,
    kvCache: { enableBlockReuse: false },
    embedded: { maxSequenceTokens: 256, tokensPerBlock: 8 },
  });
  prompt = executor.vocabulary!.tokenize("Here is a list of the capitals of Europe, one after another:");
});

afterAll(() => executor.dispose());

test("Sequence i is what a request with seed + i gives, and the prompt is computed and kept once.", async () => {
  const sampling = { temperature: 0.9, seed: 5 };
  const request = { tokens: prompt, maxTokens: 6 };
  executor.iterationStats();
  const together = await executor.submit({ ...request, sampling: { ...sampling, numReturnSequences: 3 } })
    .result;
  const steps = executor.iterationStats();
  for (const [index, { tokens }] of together.sequences!.entries()) {
    const alone = await executor.submit({ ...request, sampling: { ...sampling, seed: 5 + index } }).result;
    expect(tokens).toEqual(alone.tokens);
  }
  const blocks = Math.ceil(prompt.length / 8);
  expect(prompt.length % 8).not.toBe(0);
  // Two sequences copy the last block, which is not full.
  expect(together.kvBlocks).toEqual({ allocated: blocks + 2, new: blocks + 2, reused: 0 });
  const most = Math.max(...steps.map(({ kvCacheStats }) => kvCacheStats!.usedNumBlocks));
  expect(most).toBeLessThanOrEqual(blocks + 2 + 3);
});

test("A sequence may end before the others, each for its own reason.", async () => {
  const request = { tokens: prompt, maxTokens: 12 };
  const sampling = { temperature: 1.2, seed: 3, numReturnSequences: 3 };
  const { sequences } = await executor.submit({ ...request, sampling }).result;
  const [first, second] = sequences!;
  const stopId = second!.tokens[2]!;
  const stopped = await executor.submit({ ...request, sampling, stopTokenIds: [stopId] }).result;
  const until = (tokens: Int32Array) => {
    const at = tokens.indexOf(stopId);
    return at === -1 ? tokens : tokens.slice(0, at + 1);
  };
  expect(stopped.sequences!.map(({ tokens }) => tokens)).toEqual(
    sequences!.map(({ tokens }) => until(tokens)),
  );
  expect(stopped.sequences![1]).toMatchObject({ finishReason: "stop" });
  expect(first!.tokens).toHaveLength(12);
  for (const { tokens, finishReason } of stopped.sequences!) {
    expect(finishReason).toBe(tokens.length < 12 ? "stop" : "length");
  }
});

test("A time-out ends all sequences with what they have.", async () => {
  const sampling = { temperature: 1, numReturnSequences: 2 };
  const { sequences } = await executor.submit({ tokens: prompt, maxTokens: 200, sampling, timeoutMs: 60 })
    .result;
  for (const { finishReason } of sequences!) expect(finishReason).toBe("timed-out");
});

test("Sequences or beams that no batch holds are refused by the executor, by name.", async () => {
  const sampling = { temperature: 1, numReturnSequences: 9 };
  const { result } = executor.submit({ tokens: prompt, maxTokens: 1, sampling });
  await expect(result).rejects.toMatchObject({ code: "ERR_INVALID_REQUEST" });
  await expect(result).rejects.toThrow("maxBatchSize");
});

/** Beam search by the book, with one request for each beam of each step. */
async function searchByHand(
  width: number,
  steps: number,
): Promise<Pick<SequenceResult, "tokens" | "cumLogProb">[]> {
  let beams = [{ tokens: new Int32Array(), cumLogProb: 0 }];
  for (let step = 0; step < steps; step++) {
    const continued = beams.map(async (beam) => {
      const tokens = Int32Array.of(...prompt, ...beam.tokens);
      const { topLogProbs } = await executor.submit({ tokens, maxTokens: 1, logProbs: true, topLogProbs: 8 })
        .result;
      return Array.from(topLogProbs!.tokens, (token, rank) => ({
        tokens: Int32Array.of(...beam.tokens, token),
        cumLogProb: beam.cumLogProb + topLogProbs!.logProbs[rank]!,
      }));
    });
    const candidates = (await Promise.all(continued)).flat();
    beams = candidates.sort((a, b) => b.cumLogProb - a.cumLogProb).slice(0, width);
  }
  return beams;
}

test.each([2, 4])(
  "%i beams are those of a search by hand, with their log-probabilities.",
  async (beamWidth) => {
    const request = { tokens: prompt, maxTokens: 6, logProbs: true, sampling: { beamWidth } };
    const { sequences } = await executor.submit(request).result;
    const expected = await searchByHand(beamWidth, 6);
    expect(sequences!.map(({ tokens }) => tokens)).toEqual(expected.map(({ tokens }) => tokens));
    for (const [index, { cumLogProb, logProbs }] of sequences!.entries()) {
      expect(cumLogProb).toBeCloseTo(expected[index]!.cumLogProb!, 1);
      expect(logProbs!.reduce((sum, value) => sum + value, 0)).toBeCloseTo(cumLogProb!, 3);
    }
  },
);
