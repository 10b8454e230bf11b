import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Executor, type Vocabulary } from "@trtllm-node/core";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { modelPath } from "./support/model.ts";
import { twentyPrompts } from "./support/prompts.ts";

const rawLlama = fileURLToPath(new URL("../native-shim/build/release/bin/raw_llama", import.meta.url));
const maxTokens = 48;

/** What llama.cpp itself generates, driven by a plain loop in C++: each prompt alone, greedily. */
async function llamaCppAnswers(prompts: readonly Int32Array[]): Promise<number[][]> {
  const folder = await mkdtemp(join(tmpdir(), "greedy-parity-"));
  try {
    const file = join(folder, "prompts.txt");
    await writeFile(file, `${prompts.map((tokens) => tokens.join(" ")).join("\n")}\n`);
    const { stdout } = await execa(rawLlama, [
      ...["--model", modelPath("Q4_0"), "--prompts-file", file, "--new-tokens", `${maxTokens}`],
    ]);
    return stdout.split("\n").map((line) => line.split(" ").filter(Boolean).map(Number));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function submit(executor: Executor, vocabulary: Vocabulary, tokens: Int32Array) {
  const [endId, ...stopTokenIds] = vocabulary.endIds;
  return executor.submit({ tokens, maxTokens, endId, stopTokenIds });
}

const withoutEnd = (tokens: Int32Array, vocabulary: Vocabulary) =>
  [...tokens].filter((token) => !vocabulary.endIds.includes(token));

describe("greedy output equals llama.cpp's own, token for token", () => {
  it("for 20 prompts, one after the other and all in flight at once", async () => {
    await using executor = await Executor.create(modelPath("Q4_0"), {
      maxBatchSize: twentyPrompts.length,
      // llama.cpp's flash attention rounds a prompt in pieces otherwise than a whole one: compute it whole here.
      maxNumTokens: 4096,
      kvCache: { enableBlockReuse: false },
      embedded: { maxSequenceTokens: 1024 },
    });
    const vocabulary = executor.vocabulary!;
    const prompts = twentyPrompts.map((prompt) => vocabulary.tokenize(prompt));
    const expected = await llamaCppAnswers(prompts);
    expect(expected).toHaveLength(twentyPrompts.length);

    for (const [i, tokens] of prompts.entries()) {
      const alone = await submit(executor, vocabulary, tokens).result;
      expect(withoutEnd(alone.tokens, vocabulary), `alone: ${twentyPrompts[i]}`).toEqual(expected[i]);
    }

    executor.iterationStats();
    const results = await Promise.all(prompts.map((tokens) => submit(executor, vocabulary, tokens).result));
    for (const [i, result] of results.entries()) {
      expect(withoutEnd(result.tokens, vocabulary), `in flight: ${twentyPrompts[i]}`).toEqual(expected[i]);
    }
    const most = Math.max(...executor.iterationStats().map((stats) => stats.numActiveRequests));
    expect(most).toBe(twentyPrompts.length);
  });
});
