import { AbortedError, InvalidRequestError, type Vocabulary } from "@trtllm-node/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { anyText, cut, loneSurrogate } from "../../test/any-text.ts";
import { bytesOf, byteVocabulary, IM_END } from "../../test/byte-vocabulary.ts";
import { type Script, ScriptedExecutor } from "../../test/scripted-executor.ts";
import type { GenerateOptions } from "../generate-options.ts";
import { LLM } from "../llm.ts";
import { VocabularyTokenizer } from "../tokenizer/vocabulary-tokenizer.ts";
import type { TextChunk, TextStream } from "./text-stream.ts";

function answer(script: Script, options: GenerateOptions = {}, vocabulary = byteVocabulary()) {
  const executor = new ScriptedExecutor(script, { vocabulary });
  const llm = new LLM(executor, new VocabularyTokenizer(vocabulary));
  return { executor, stream: llm.stream("Hi", options) };
}

async function collect(stream: TextStream): Promise<TextChunk[]> {
  const chunks: TextChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

test("chunks join to the text of the result, whole characters each, and carry every token once", async () => {
  await fc.assert(
    fc.asyncProperty(anyText, fc.array(fc.nat()), async (text, cuts) => {
      const bytes = [...bytesOf(text)];
      const { stream } = answer({ chunks: cut(bytes, cuts).filter((part) => part.length > 0) });
      const chunks = await collect(stream);
      expect(chunks.map((chunk) => chunk.text).join("")).toBe(text);
      expect(chunks.flatMap((chunk) => [...chunk.tokens])).toEqual(bytes);
      for (const chunk of chunks) expect(chunk.text).not.toMatch(loneSurrogate);
      expect((await stream.result).text).toBe(text);
    }),
  );
});

test("tokens without text of their own join the next chunk", async () => {
  const [first, second] = bytesOf("é");
  const { stream } = answer({ chunks: [[97], [first!], [second!, 98]] });
  expect(await collect(stream)).toEqual([
    { text: "a", tokens: Int32Array.of(97) },
    { text: "éb", tokens: Int32Array.of(first!, second!, 98) },
  ]);
});

test("a character left incomplete ends the text as U+FFFD", async () => {
  const { stream } = answer({ chunks: [[97, 0xf0], [0x9f]] });
  const chunks = await collect(stream);
  expect(chunks.map((chunk) => chunk.text)).toEqual(["a", "\uFFFD"]);
  expect((await stream.result).text).toBe("a\uFFFD");
});

/** Tokens of any bytes, none of them special. */
function vocabularyOf(pieces: readonly Uint8Array[]): Vocabulary {
  const tokens = pieces.map((bytes) => ({ bytes, control: false }));
  return byteVocabulary({ pieces: tokens, bosId: undefined, eosId: undefined, endIds: [] });
}

test("a stop string is never given, not even in part, wherever tokens and chunks begin", async () => {
  const parts = fc
    .tuple(anyText, fc.constantFrom("", "<", "</", "</s"), anyText)
    .map((list) => list.join(""));
  const stops = fc.constantFrom("</s>", "</s> ", "👩🏽‍🚀", "é");
  const cuts = fc.tuple(fc.array(fc.nat()), fc.array(fc.nat()));
  await fc.assert(
    fc.asyncProperty(
      ...[parts, stops, anyText, cuts, fc.boolean()],
      async (before, stop, after, [tokenCuts, chunkCuts], iterate) => {
        const whole = before + stop + after;
        const expected = whole.slice(0, whole.indexOf(stop));
        const pieces = cut([...bytesOf(whole)], tokenCuts).map((bytes) => Uint8Array.from(bytes));
        const chunks = cut([...pieces.keys()], chunkCuts).filter((part) => part.length > 0);
        const { executor, stream } = answer({ chunks, endless: true }, { stop }, vocabularyOf(pieces));
        if (iterate) {
          const texts = (await collect(stream)).map((chunk) => chunk.text);
          expect(texts.join("")).toBe(expected);
          for (const text of texts) expect(text).not.toMatch(loneSurrogate);
        }
        expect(await stream.result).toMatchObject({
          text: expected,
          finishReason: "stop",
          stopString: stop,
        });
        expect(executor.cancelled).toBe(1);
      },
    ),
    { numRuns: 500 },
  );
});

test("what only began a stop string is text", async () => {
  const { stream } = answer({ chunks: [[...bytesOf("a</")], [...bytesOf("s")]] }, { stop: ["</s>"] });
  expect((await collect(stream)).map((chunk) => chunk.text)).toEqual(["a", "</s"]);
  expect(await stream.result).toMatchObject({ text: "a</s", finishReason: "end", stopString: undefined });
});

test("an answer that meets its stop string with its last token was stopped", async () => {
  const { stream } = answer({ chunks: [[97, 98]], finishReason: "length" }, { stop: "b" });
  expect(await stream.result).toMatchObject({ text: "a", finishReason: "stop", stopString: "b" });
});

test("the result can be awaited while the stream is read", async () => {
  const { stream } = answer({ chunks: [[97], [98], [99], [100]] }, { stop: "d" });
  const { result } = stream;
  expect((await collect(stream)).map((chunk) => chunk.text)).toEqual(["a", "b", "c"]);
  expect((await result).text).toBe("abc");
});

test("a stream is read once", async () => {
  const { stream } = answer({ chunks: [[97]] });
  await collect(stream);
  expect(() => stream[Symbol.asyncIterator]()).toThrow(InvalidRequestError);
});

test("the text alone comes as strings, and leaving it cancels", async () => {
  const { executor, stream } = answer({ chunks: [[97], [98]], endless: true });
  const texts: string[] = [];
  for await (const text of stream.textStream) {
    texts.push(text);
    if (text === "b") break;
  }
  expect(texts).toEqual(["a", "b"]);
  expect(executor.cancelled).toBe(1);
});

test("a web stream has the same chunks, and cancelling it cancels the request", async () => {
  const { executor, stream } = answer({ chunks: [[97], [98]], endless: true });
  const reader = stream.toReadableStream().getReader();
  expect((await reader.read()).value).toEqual({ text: "a", tokens: Int32Array.of(97) });
  await reader.cancel();
  expect(executor.cancelled).toBe(1);
});

test("a Node stream has the same chunks, and destroying it cancels the request", async () => {
  const { stream } = answer({ chunks: [[97], [98]] });
  expect((await stream.toNodeStream().toArray()).map(({ text }: TextChunk) => text)).toEqual(["a", "b"]);
  const endless = answer({ chunks: [[97]], endless: true });
  const readable = endless.stream.toNodeStream();
  for await (const _ of readable) readable.destroy();
  expect(endless.executor.cancelled).toBe(1);
});

test("an answer that a stop word ended says so, though the tokens of the word are part of it", async () => {
  const { stream, executor } = answer(
    { chunks: [[97], [98]], finishReason: "stop" },
    { stopWords: [[97, 98]] },
  );
  expect(await stream.result).toMatchObject({ text: "ab", finishReason: "stop", stopString: undefined });
  expect(executor.requests[0]).toMatchObject({ stopWords: [[97, 98]] });
});

test("an end token is in the tokens of the result and not in its text", async () => {
  const { stream } = answer({ chunks: [[97], [IM_END]], finishReason: "stop" });
  expect(await stream.result).toMatchObject({
    text: "a",
    tokens: Int32Array.of(97, IM_END),
    finishReason: "end",
  });
});

test("the result says what the request cost", async () => {
  const { stream } = answer({ chunks: [[97, 98]], finishReason: "length", reusedBlocks: 1 });
  expect(await stream.result).toMatchObject({
    finishReason: "length",
    usage: { promptTokens: 2, completionTokens: 2, cachedPromptTokens: 2 },
    timings: { queueMs: 1, timeToFirstTokenMs: 2, interTokenMs: 3, totalMs: 500, tokensPerSecond: 4 },
    kvBlocks: { allocated: 2, new: 1, reused: 1 },
  });
});

test("leaving the loop cancels the request", async () => {
  const { executor, stream } = answer({ chunks: [[97]], endless: true });
  for await (const chunk of stream) {
    expect(chunk.text).toBe("a");
    break;
  }
  expect(executor.cancelled).toBe(1);
  expect((await stream.result).finishReason).toBe("cancelled");
});

test("returning the iterator cancels at once, while a next() still waits for a token", async () => {
  const { executor, stream } = answer({ chunks: [], endless: true });
  const iterator = stream[Symbol.asyncIterator]();
  const next = iterator.next();
  await iterator.return?.();
  expect(executor.cancelled).toBe(1);
  expect(await next).toEqual({ done: true, value: undefined });
});

test("cancel() ends the loop and resolves the result with the text so far", async () => {
  const { stream } = answer({ chunks: [[97]], endless: true });
  for await (const _ of stream) stream.cancel();
  expect(await stream.result).toMatchObject({ text: "a", finishReason: "cancelled" });
});

test("aborting rejects the loop and the result", async () => {
  const controller = new AbortController();
  const { stream } = answer({ chunks: [[97]], endless: true }, { signal: controller.signal });
  const loop = async () => {
    for await (const _ of stream) controller.abort();
  };
  await expect(loop()).rejects.toBeInstanceOf(AbortedError);
  await expect(stream.result).rejects.toBeInstanceOf(AbortedError);
});

test("a chunk tells the log-probabilities of its own tokens", async () => {
  await fc.assert(
    fc.asyncProperty(anyText, fc.array(fc.nat()), fc.boolean(), async (text, cuts, alternatives) => {
      const chunks = cut([...bytesOf(text)], cuts).filter((part) => part.length > 0);
      const { stream } = answer({ chunks }, { logProbs: true, topLogProbs: alternatives ? 1 : 0 });
      for (const { tokens, logProbs, topLogProbs } of await collect(stream)) {
        const expected = Float32Array.from(tokens, (id) => -id / 256);
        expect(logProbs).toEqual(expected);
        expect(topLogProbs).toEqual(alternatives ? { perToken: 1, tokens, logProbs: expected } : undefined);
      }
    }),
  );
});
