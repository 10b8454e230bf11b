import { afterAll, beforeAll, expect, test } from "vitest";
import { modelPath } from "../../../test/support/model.ts";
import { Executor } from "./executor.ts";
import type { TokenChunk, TokenStream } from "./executor-like.ts";

let executor: Executor;
let prompt: Int32Array;

beforeAll(async () => {
  executor = await Executor.create(modelPath(), {
    maxBatchSize: 8,
    kvCache: { maxTokens: 4096, enableBlockReuse: false },
    embedded: { maxSequenceTokens: 512 },
  });
  prompt = executor.vocabulary!.tokenize("The capital of France is");
});

afterAll(() => executor.dispose());

async function collect(stream: AsyncIterable<TokenChunk>): Promise<Int32Array> {
  const ids: number[] = [];
  for await (const chunk of stream) ids.push(...chunk.tokens);
  return Int32Array.from(ids);
}

/** The first chunk says that the request runs. */
async function running(stream: TokenStream): Promise<AsyncIterator<TokenChunk>> {
  const iterator = stream[Symbol.asyncIterator]();
  expect((await iterator.next()).done).toBe(false);
  return iterator;
}

function usedBlocks(): number | undefined {
  return executor.iterationStats().at(-1)?.kvCacheStats?.usedNumBlocks;
}

test("Greedy generation streams the tokens that its result holds, and measures itself.", async () => {
  const stream = executor.submit({ tokens: prompt, maxTokens: 16 });
  const streamed = await collect(stream);
  const result = await stream.result;
  expect(streamed).toEqual(result.tokens);
  expect(result).toMatchObject({ finishReason: "length" });
  expect(result.tokens).toHaveLength(16);
  const { queueMs, timeToFirstTokenMs, interTokenMs, interTokenLatenciesMs, totalMs } = result.timings;
  expect(queueMs).toBeGreaterThanOrEqual(0);
  expect(timeToFirstTokenMs).toBeGreaterThanOrEqual(queueMs);
  expect(interTokenMs).toBeGreaterThan(0);
  expect(interTokenLatenciesMs).toHaveLength(15);
  for (const latency of interTokenLatenciesMs) expect(latency).toBeGreaterThan(0);
  expect(totalMs).toBeCloseTo(timeToFirstTokenMs! + 15 * interTokenMs!, 3);
  expect(result.kvBlocks.allocated).toBeGreaterThan(0);
});

test("Eight requests at once each answer as they do alone.", async () => {
  const texts = [
    "One",
    "Two cats",
    "Three",
    "The sky is",
    "Once upon a time",
    "Hello",
    "def f(x):",
    "2 + 2 =",
  ];
  const prompts = texts.map((text) => executor.vocabulary!.tokenize(text));
  const generate = (tokens: Int32Array) => collect(executor.submit({ tokens, maxTokens: 12 }));
  const together = await Promise.all(prompts.map(generate));
  for (const [index, tokens] of prompts.entries()) {
    expect(await generate(tokens)).toEqual(together[index]);
  }
});

test("The same seed gives the same sampled tokens.", async () => {
  const sampling = { temperature: 0.9, topK: 40, topP: 0.95, seed: 42 };
  const generate = () => executor.submit({ tokens: prompt, maxTokens: 12, sampling }).result;
  expect((await generate()).tokens).toEqual((await generate()).tokens);
});

test("Log-probabilities come one per token and are at most 0.", async () => {
  const result = await executor.submit({ tokens: prompt, maxTokens: 5, logProbs: true }).result;
  expect(result.logProbs).toHaveLength(result.tokens.length);
  for (const logProb of result.logProbs!) expect(logProb).toBeLessThanOrEqual(0);
});

test("A stop token ends the answer as its last token, an end id without being part of it.", async () => {
  const { tokens } = await executor.submit({ tokens: prompt, maxTokens: 8 }).result;
  const third = tokens[2]!;
  const until = tokens.indexOf(third);
  const stopped = await executor.submit({ tokens: prompt, maxTokens: 8, stopTokenIds: [third] }).result;
  expect(stopped).toMatchObject({ finishReason: "stop", tokens: tokens.slice(0, until + 1) });
  const ended = await executor.submit({ tokens: prompt, maxTokens: 8, endId: third }).result;
  expect(ended).toMatchObject({ finishReason: "end", tokens: tokens.slice(0, until) });
});

test("A cancelled request keeps the tokens it made and gives its KV blocks back.", async () => {
  const stream = executor.submit({ tokens: prompt, maxTokens: 400 });
  await running(stream);
  stream.cancel();
  const result = await stream.result;
  expect(result.finishReason).toBe("cancelled");
  expect(result.tokens.length).toBeGreaterThan(0);
  expect(result.tokens.length).toBeLessThan(400);
  await executor.submit({ tokens: prompt, maxTokens: 1 }).result;
  expect(usedBlocks()).toBe(0);
});

test("Leaving the loop cancels the request.", async () => {
  const stream = executor.submit({ tokens: prompt, maxTokens: 400 });
  for await (const _ of stream) break;
  expect(await stream.result).toMatchObject({ finishReason: "cancelled" });
});

test("Throwing inside the loop cancels the request.", async () => {
  const stream = executor.submit({ tokens: prompt, maxTokens: 400 });
  const consume = async () => {
    for await (const _ of stream) throw new Error("consumer failed");
  };
  await expect(consume()).rejects.toThrow("consumer failed");
  expect(await stream.result).toMatchObject({ finishReason: "cancelled" });
});

test("A signal that is already aborted refuses the request before it is enqueued.", () => {
  const signal = AbortSignal.abort("too late");
  const submit = () => executor.submit({ tokens: prompt, maxTokens: 4, signal });
  expect(submit).toThrow(expect.objectContaining({ name: "AbortError", cause: "too late" }));
});

test("Aborting mid-way rejects iteration and result, and frees the request's place.", async () => {
  const controller = new AbortController();
  const stream = executor.submit({ tokens: prompt, maxTokens: 400, signal: controller.signal });
  const iterator = await running(stream);
  controller.abort("enough");
  await expect(iterator.next()).rejects.toMatchObject({ code: "ERR_ABORTED", cause: "enough" });
  await expect(stream.result).rejects.toMatchObject({ name: "AbortError" });
  expect(await executor.submit({ tokens: prompt, maxTokens: 2 }).result).toMatchObject({
    finishReason: "length",
  });
});

test("One signal ends many requests without a warning about listeners.", async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on("warning", listen);
  const controller = new AbortController();
  const request = { tokens: prompt, maxTokens: 100, signal: controller.signal };
  const streams = Array.from({ length: 20 }, () => executor.submit(request));
  controller.abort();
  const results = await Promise.allSettled(streams.map(({ result }) => result));
  expect(results.every(({ status }) => status === "rejected")).toBe(true);
  await new Promise(setImmediate);
  process.off("warning", listen);
  expect(warnings).toEqual([]);
});

test("A request that outlives its time ends as timed out.", async () => {
  const stream = executor.submit({ tokens: prompt, maxTokens: 500, timeoutMs: 50 });
  expect(await stream.result).toMatchObject({ finishReason: "timed-out" });
});

test("A long text has the same tokens when it is tokenized off the event loop.", async () => {
  const vocabulary = executor.vocabulary!;
  const text = "The capital of France is Paris, 世界 🎉. <|im_end|>\n".repeat(2000);
  for (const options of [{}, { addSpecial: false, parseSpecial: true }]) {
    const running = vocabulary.tokenizeAsync(text, options);
    expect(await running).toEqual(vocabulary.tokenize(text, options));
  }
});

test("The vocabulary's pieces spell the text that was tokenized.", () => {
  const { pieces, size, endIds, eosId } = executor.vocabulary!;
  expect(pieces).toHaveLength(size);
  const ids = executor.vocabulary!.tokenize("Grüße, 世界 🎉", { addSpecial: false });
  const bytes = Array.from(ids, (id) => pieces[id]!.bytes);
  expect(Buffer.concat(bytes).toString()).toBe("Grüße, 世界 🎉");
  expect(endIds).toContain(eosId);
  expect(pieces[eosId!]?.control).toBe(true);
});

test("Special tokens in a text are read as such only where asked for.", () => {
  const tokenize = (parseSpecial: boolean) =>
    executor.vocabulary!.tokenize("<|im_start|>", { addSpecial: false, parseSpecial });
  expect(tokenize(true)).toHaveLength(1);
  expect(tokenize(false).length).toBeGreaterThan(1);
});

test("The engine describes itself.", () => {
  expect(executor.engine).toMatchObject({
    path: modelPath(),
    format: "gguf",
    architecture: "llama",
    device: expect.stringMatching(/./),
    maxSequenceTokens: 512,
    maxBatchSize: 8,
    vocabularySize: executor.vocabulary!.size,
  });
});

test("Alternatives come best first, agree with the plain log-probabilities, and lie in the chunks as in the result.", async () => {
  const plain = await executor.submit({ tokens: prompt, maxTokens: 6, logProbs: true }).result;
  const stream = executor.submit({ tokens: prompt, maxTokens: 6, logProbs: true, topLogProbs: 4 });
  const streamed: number[] = [];
  for await (const { tokens, topLogProbs } of stream) {
    expect(topLogProbs!.tokens).toHaveLength(tokens.length * 4);
    streamed.push(...topLogProbs!.tokens);
  }
  const { tokens, logProbs, topLogProbs } = await stream.result;
  expect(tokens).toEqual(plain.tokens);
  expect([...topLogProbs!.tokens]).toEqual(streamed);
  for (let index = 0; index < 6; index++) {
    const best = topLogProbs!.logProbs.subarray(index * 4, index * 4 + 4);
    expect(topLogProbs!.tokens[index * 4]).toBe(tokens[index]); // greedy
    expect(best[0]).toBe(logProbs![index]);
    expect([...best]).toEqual([...best].sort((a, b) => b - a));
    expect(logProbs![index]).toBeCloseTo(plain.logProbs![index]!, 5);
    expect([...best].reduce((sum, value) => sum + Math.exp(value), 0)).toBeLessThanOrEqual(1.0001);
  }
});

test("A prompt's log-probabilities are those its tokens had when they were generated.", async () => {
  const answer = await executor.submit({ tokens: prompt, maxTokens: 8, logProbs: true }).result;
  const tokens = [...prompt, ...answer.tokens];
  const scored = await executor.submit({ tokens, maxTokens: 1, promptLogProbs: true, topLogProbs: 2 }).result;
  expect(scored.logProbs).toBeUndefined();
  expect(scored.topLogProbs).toBeUndefined();
  expect(scored.promptLogProbs).toHaveLength(tokens.length);
  expect(scored.promptLogProbs![0]).toBeNaN();
  expect(scored.promptTopLogProbs!.tokens).toHaveLength(2 * tokens.length);
  for (const [index, logProb] of answer.logProbs!.entries()) {
    // Many rows at once are computed by another kernel than one.
    expect(scored.promptLogProbs![prompt.length + index]).toBeCloseTo(logProb, 1);
    expect(scored.promptTopLogProbs!.tokens[2 * (prompt.length + index)]).toBe(answer.tokens[index]);
  }
});
