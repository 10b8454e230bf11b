import { Executor, type ExecutorOptions } from "@trtllm-node/core";
import { describe, expect, it } from "vitest";
import { modelPath } from "./support/model.ts";
import { twentyPrompts } from "./support/prompts.ts";

type SpeculativeConfig = NonNullable<ExecutorOptions["embedded"]>["speculativeConfig"];

const report =
  "The harbour of Kestrel Bay was built in 1874 by the engineer Amos Whitlock. It has two piers, the north pier of 310 metres and the south pier of 280 metres.";
const copying = `<|im_start|>user\nRepeat this text word for word:\n\n${report}<|im_end|>\n<|im_start|>assistant\n`;
/** Of each kind of text one, as computing a draft model costs most of the time here. */
const tasks = [...twentyPrompts.filter((_, index) => index % 3 === 0), copying];

async function run(speculativeConfig?: SpeculativeConfig) {
  await using executor = await Executor.create(modelPath("Q4_0"), {
    maxBatchSize: 4,
    maxNumTokens: 1024, // every prompt whole: pieces of another length round otherwise
    requestStatsMaxIterations: 1000,
    kvCache: { enableBlockReuse: false },
    embedded: { maxSequenceTokens: 1024, ...(speculativeConfig && { speculativeConfig }) },
  });
  const vocabulary = executor.vocabulary!;
  const results = await Promise.all(
    tasks.map((task) => {
      const tokens = vocabulary.tokenize(task, { parseSpecial: true });
      return executor.submit({ tokens, maxTokens: 32, stopTokenIds: vocabulary.endIds }).result;
    }),
  );
  return { results, iterations: executor.iterationStats(), requests: executor.requestStats() };
}

describe("speculative decoding changes no greedy answer", () => {
  it("with prompt lookup or a draft model", async () => {
    const plain = await run();
    expect(plain.results.every((result) => result.speculativeDecoding === undefined)).toBe(true);
    expect(plain.iterations.every((stats) => stats.specDecodingStats === undefined)).toBe(true);
    for (const config of [
      { decodingType: "NGram" },
      { decodingType: "DraftTarget", maxDraftLen: 3, speculativeModel: modelPath("Q4_0") },
    ] as const) {
      const { results } = await run(config);
      for (const [index, { tokens }] of results.entries()) {
        const expected = [...plain.results[index]!.tokens];
        expect([...tokens], `${config.decodingType}: ${tasks[index]}`).toEqual(expected);
      }
    }
  });

  it("and tells how often guesses were right, by request and by iteration", async () => {
    const { results, iterations, requests } = await run({ decodingType: "NGram" });
    const copied = results.at(-1)!.speculativeDecoding!;
    expect(copied.acceptanceRate).toBe(copied.totalAcceptedDraftTokens / copied.totalDraftTokens);
    expect(copied.acceptanceRate).toBeGreaterThan(0.5);

    const stats = iterations.map((iteration) => iteration.specDecodingStats!);
    const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
    const ofRequests = results.flatMap(({ speculativeDecoding }) => speculativeDecoding ?? []);
    expect(sum(stats.map(({ numDraftTokens }) => numDraftTokens))).toBe(
      sum(ofRequests.map(({ totalDraftTokens }) => totalDraftTokens)),
    );
    expect(sum(stats.map(({ numAcceptedTokens }) => numAcceptedTokens))).toBe(
      sum(ofRequests.map(({ totalAcceptedDraftTokens }) => totalAcceptedDraftTokens)),
    );
    for (const { numRequestsWithDraftTokens, acceptanceLength, numAcceptedTokens } of stats) {
      const length = numAcceptedTokens / numRequestsWithDraftTokens + 1;
      if (numRequestsWithDraftTokens > 0) expect(acceptanceLength).toBeCloseTo(length);
    }
    const ended = requests
      .flatMap(({ requestStats }) => requestStats)
      .filter(({ stage }) => stage === "GENERATION_COMPLETE");
    expect(Math.max(...ended.map((request) => request.avgNumDecodedTokensPerIter))).toBeGreaterThan(1.5);
  });
});

it("A draft model with another vocabulary is refused by its path.", async () => {
  const speculativeModel = "no-such-draft.gguf";
  await expect(
    Executor.create(modelPath(), {
      embedded: { speculativeConfig: { decodingType: "DraftTarget", speculativeModel } },
    }),
  ).rejects.toThrow(speculativeModel);
});
