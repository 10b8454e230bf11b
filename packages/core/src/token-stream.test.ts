import { getEventListeners } from "node:events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ExecutorError } from "./errors.ts";
import type { TokenChunk } from "./executor-like.ts";
import type { FinalRecord, TokensRecord } from "./native/records.ts";
import { type RequestOptions, RequestStream, RunningRequest } from "./token-stream.ts";

function tokens(...ids: number[]): TokensRecord {
  const ints = Int32Array.of(-1, ...ids, -1);
  const floats = new Float32Array(1);
  const count = ids.length;
  return { requestId: 1, sequenceIndex: 0, ints, start: 1, count, timeNs: 20e6, floats, logProbsStart: -1 };
}

function tokensWithLogProbs(...pairs: [number, number][]): TokensRecord {
  const floats = Float32Array.of(9, ...pairs.map(([, logProb]) => logProb));
  return { ...tokens(...pairs.map(([id]) => id)), floats, logProbsStart: 1 };
}

function final(over: Partial<FinalRecord> = {}): FinalRecord {
  return {
    requestId: 1,
    finishReason: "length",
    timeNs: 60e6,
    arrivalNs: 10e6,
    firstScheduledNs: 12e6,
    firstTokenNs: 20e6,
    lastTokenNs: 50e6,
    blocksAllocated: 3,
    blocksNew: 2,
    blocksReused: 1,
    draftTokens: 8,
    acceptedDraftTokens: 2,
    ...over,
  };
}

/** A stream, and the executor's side of it: `push` is a drain that brings one record. */
function started(options: RequestOptions = {}) {
  const cancels: number[] = [];
  const request = new RunningRequest(1, () => cancels.push(1), options);
  const push = (record: TokensRecord) => {
    request.push(record);
    request.flush();
  };
  return { stream: new RequestStream(request), request, push, cancels };
}

async function collect(stream: AsyncIterable<TokenChunk>): Promise<number[]> {
  const ids: number[] = [];
  for await (const chunk of stream) ids.push(...chunk.tokens);
  return ids;
}

test("each token has its latency, and tokens that come together share theirs", async () => {
  const { stream, request, push } = started();
  push({ ...tokens(1), timeNs: 20e6 });
  push({ ...tokens(2), timeNs: 24e6 });
  push({ ...tokens(3, 4), timeNs: 30e6 });
  request.finish(final());
  expect((await stream.result).timings.interTokenLatenciesMs).toEqual(Float64Array.of(4, 3, 3));
});

test("latencies count from the first token, also where the first ones come together", async () => {
  const { stream, request, push } = started();
  push({ ...tokens(1, 2, 3), timeNs: 26e6 });
  push({ ...tokens(4), timeNs: 27e6 });
  request.finish(final());
  expect((await stream.result).timings.interTokenLatenciesMs).toEqual(Float64Array.of(3, 3, 1));
});

test("whoever asks is told how a request ended, even one whose stream nobody reads", async () => {
  const ended = started();
  const failed = started();
  const ends = [ended, failed].map(({ stream }) => new Promise((resolve) => stream.onEnd(resolve)));
  ended.request.finish(final());
  const error = new ExecutorError("ERR_EXECUTOR", "Broken.");
  failed.request.fail(error);
  expect(await ends[0]).toMatchObject({ finishReason: "length" });
  expect(await ends[1]).toBe(error);
});

test("Chunks come in order, both those that waited and those that are waited for.", async () => {
  const { stream, request, push, cancels } = started();
  push(tokens(1, 2));
  const all = collect(stream);
  await Promise.resolve();
  push(tokens(3));
  push(tokens(4));
  request.finish(final());
  expect(await all).toEqual([1, 2, 3, 4]);
  expect(cancels).toEqual([]);
});

test("The result holds all tokens and times in milliseconds, whether or not anyone iterates.", async () => {
  const { stream, request, push } = started();
  push(tokens(1));
  push(tokens(2, 3, 4));
  request.finish(final());
  expect(await stream.result).toEqual({
    tokens: Int32Array.of(1, 2, 3, 4),
    logProbs: undefined,
    finishReason: "length",
    timings: {
      queueMs: 2,
      timeToFirstTokenMs: 10,
      interTokenMs: 10,
      interTokenLatenciesMs: new Float64Array(3),
      totalMs: 40,
    },
    kvBlocks: { allocated: 3, new: 2, reused: 1 },
    speculativeDecoding: { totalDraftTokens: 8, totalAcceptedDraftTokens: 2, acceptanceRate: 0.25 },
  });
});

test("A request without a token has no token times; it took until its end.", async () => {
  const { stream, request } = started();
  request.finish(final({ finishReason: "cancelled", firstScheduledNs: 0, firstTokenNs: 0, lastTokenNs: 0 }));
  const { timings } = await stream.result;
  expect(timings).toEqual({
    queueMs: 50,
    timeToFirstTokenMs: undefined,
    interTokenMs: undefined,
    interTokenLatenciesMs: new Float64Array(0),
    totalMs: 50,
  });
});

test("Log-probabilities are joined as the tokens are.", async () => {
  const { stream, request, push } = started();
  push(tokensWithLogProbs([1, -0.5]));
  push(tokensWithLogProbs([2, -1], [3, -1.5]));
  request.finish(final());
  expect((await stream.result).logProbs).toEqual(Float32Array.of(-0.5, -1, -1.5));
});

test("Leaving the loop cancels; the result resolves once the executor confirms.", async () => {
  const { stream, request, push, cancels } = started();
  push(tokens(1));
  push(tokens(2));
  for await (const _ of stream) break;
  expect(cancels).toHaveLength(1);
  request.finish(final({ finishReason: "cancelled" }));
  expect(await stream.result).toMatchObject({ finishReason: "cancelled", tokens: Int32Array.of(1, 2) });
});

test("A reader that returns while it waits is released at once.", async () => {
  const { stream, cancels } = started();
  const iterator = stream[Symbol.asyncIterator]();
  const waiting = iterator.next();
  await iterator.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(cancels).toHaveLength(1);
});

test("Several reads may wait at the same time and are served in order.", async () => {
  const { stream, request, push } = started();
  const iterator = stream[Symbol.asyncIterator]();
  const reads = [iterator.next(), iterator.next(), iterator.next()];
  push(tokens(1));
  push(tokens(2));
  request.finish(final());
  const values = (await Promise.all(reads)).map(({ value }) => value?.tokens[0]);
  expect(values).toEqual([1, 2, undefined]);
});

test("What came while nobody read is one chunk, and so is what one drain brought.", async () => {
  const { stream, request, push } = started();
  push(tokens(1));
  push(tokens(2, 3));
  const iterator = stream[Symbol.asyncIterator]();
  expect((await iterator.next()).value?.tokens).toEqual(Int32Array.of(1, 2, 3));
  const waiting = iterator.next();
  for (const id of [4, 5]) request.push(tokens(id));
  request.flush();
  expect((await waiting).value?.tokens).toEqual(Int32Array.of(4, 5));
});

test("A request asks for one flush, however many records a drain brings.", () => {
  const { request } = started();
  expect([1, 2, 3].map((id) => request.push(tokens(id)))).toEqual([true, false, false]);
  request.flush();
  expect(request.push(tokens(4))).toBe(true);
});

test("Chunks in any sizes join to the result, and stay as they were.", async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 70 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.array(fc.boolean(), { minLength: 1 }), async (counts, reads) => {
      const { stream, request, push } = started();
      const iterator = stream[Symbol.asyncIterator]();
      const all = Array.from({ length: counts.reduce((sum, count) => sum + count, 0) }, (_, index) => index);
      const chunks: Int32Array[] = [];
      let at = 0;
      for (const [index, count] of counts.entries()) {
        push(tokensWithLogProbs(...all.slice(at, at + count).map((id): [number, number] => [id, -id])));
        at += count;
        if (reads[index % reads.length]) chunks.push((await iterator.next()).value!.tokens);
      }
      request.finish(final());
      for (let read = await iterator.next(); !read.done; read = await iterator.next())
        chunks.push(read.value.tokens);
      const { tokens: joined, logProbs } = await stream.result;
      expect(chunks.flatMap((chunk) => [...chunk])).toEqual(all);
      expect(joined).toEqual(Int32Array.from(all));
      expect(logProbs ?? new Float32Array()).toEqual(Float32Array.from(all, (id) => -id));
    }),
  );
});

test("A reader that falls behind maxUnreadTokens loses its request, after the tokens that waited.", async () => {
  const { stream, push, cancels } = started({ maxUnreadTokens: 2 });
  push(tokens(1, 2, 3)); // nobody has begun to read
  const iterator = stream[Symbol.asyncIterator]();
  await iterator.next();
  push(tokens(4, 5));
  expect(cancels).toHaveLength(0);
  push(tokens(6));
  expect(cancels).toHaveLength(1);
  push(tokens(7));
  expect((await iterator.next()).value?.tokens).toEqual(Int32Array.of(4, 5, 6));
  const slow = { name: "SlowConsumerError", code: "ERR_SLOW_CONSUMER" };
  await expect(iterator.next()).rejects.toMatchObject(slow);
  await expect(stream.result).rejects.toMatchObject(slow);
});

test("Who only awaits the result is no slow reader.", async () => {
  const { stream, request, push } = started({ maxUnreadTokens: 0 });
  push(tokens(1, 2));
  request.finish(final());
  expect((await stream.result).tokens).toHaveLength(2);
});

test("A forgotten stream cancels its request, unless its result was asked for.", () => {
  const forgotten = started();
  forgotten.request.forget();
  expect(forgotten.cancels).toHaveLength(1);
  const awaited = started();
  void awaited.stream.result;
  awaited.request.forget();
  expect(awaited.cancels).toHaveLength(0);
});

test("A second iteration is an error.", async () => {
  const { stream, request } = started();
  request.finish(final());
  await collect(stream);
  expect(() => stream[Symbol.asyncIterator]()).toThrow("iterated once");
});

test("A failure comes after the tokens that precede it, and rejects the result.", async () => {
  const { stream, request, push } = started();
  const failure = new ExecutorError("ERR_EXECUTOR", "out of luck");
  push(tokens(1));
  request.fail(failure);
  const iterator = stream[Symbol.asyncIterator]();
  expect((await iterator.next()).value?.tokens).toEqual(Int32Array.of(1));
  await expect(iterator.next()).rejects.toBe(failure);
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
  await expect(stream.result).rejects.toBe(failure);
});

test("An abort rejects iteration and result at once with the reason as cause; nothing comes late.", async () => {
  const controller = new AbortController();
  const { stream, request, push, cancels } = started({ signal: controller.signal });
  push(tokens(1));
  const iterator = stream[Symbol.asyncIterator]();
  controller.abort("enough");
  push(tokens(2));
  await expect(iterator.next()).rejects.toMatchObject({
    name: "AbortError",
    code: "ERR_ABORTED",
    cause: "enough",
  });
  await expect(stream.result).rejects.toMatchObject({ name: "AbortError", cause: "enough" });
  expect(cancels).toHaveLength(1);
  request.finish(final({ finishReason: "cancelled" }));
  stream.cancel();
  expect(cancels).toHaveLength(1);
});

test("The signal is let go of when the request ends.", () => {
  const { signal } = new AbortController();
  const streams = [started({ signal }).request, started({ signal }).request];
  expect(getEventListeners(signal, "abort")).toHaveLength(2);
  streams[0]?.finish(final());
  streams[1]?.fail(new ExecutorError("ERR_EXECUTOR", "x"));
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

test("A result that nobody looks at never becomes an unhandled rejection.", async () => {
  const unhandled: unknown[] = [];
  const listen = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", listen);
  started().request.fail(new ExecutorError("ERR_EXECUTOR", "x"));
  await new Promise(setImmediate);
  process.off("unhandledRejection", listen);
  expect(unhandled).toEqual([]);
});

const several = { sequences: 2 };
const of = (sequenceIndex: number, record: TokensRecord): TokensRecord => ({ ...record, sequenceIndex });

test("Sequences are read in turns, a chunk of each, and end each for its own reason.", async () => {
  const { stream, request, push } = started(several);
  push(of(0, tokens(1, 2)));
  push(of(1, tokens(5)));
  push(of(0, tokens(3)));
  request.endSequence({ requestId: 1, sequenceIndex: 1, finishReason: "end", cumLogProb: -2.5 });
  request.finish(final());
  const chunks: [number | undefined, number[]][] = [];
  for await (const chunk of stream) chunks.push([chunk.sequenceIndex, [...chunk.tokens]]);
  expect(chunks).toEqual([
    [0, [1, 2, 3]],
    [1, [5]],
  ]);
  const result = await stream.result;
  expect(result).toMatchObject({ tokens: Int32Array.of(1, 2, 3), finishReason: "length" });
  expect(result.sequences).toMatchObject([
    { tokens: Int32Array.of(1, 2, 3), finishReason: "length", cumLogProb: undefined },
    { tokens: Int32Array.of(5), finishReason: "end", cumLogProb: -2.5, timings: { totalMs: 10 } },
  ]);
});

test("Reads that wait are served from whichever sequence has tokens.", async () => {
  const { stream, request } = started(several);
  const iterator = stream[Symbol.asyncIterator]();
  const reads = [iterator.next(), iterator.next()];
  request.push(of(1, tokens(5)));
  request.push(of(0, tokens(1)));
  request.flush();
  const read = await Promise.all(reads);
  expect(read.map(({ value }) => value?.sequenceIndex)).toEqual([0, 1]);
});

test("Tokens of a sequence that nobody asked for are dropped.", async () => {
  const { stream, request, push } = started(several);
  push(of(7, tokens(9)));
  request.finish(final());
  expect((await stream.result).sequences?.map((sequence) => sequence.tokens.length)).toEqual([0, 0]);
});

test("Unread tokens of all sequences count together.", async () => {
  const { stream, push } = started({ ...several, maxUnreadTokens: 3 });
  const iterator = stream[Symbol.asyncIterator]();
  push(of(0, tokens(1, 2)));
  push(of(1, tokens(1, 2)));
  for (const _ of [0, 1]) expect((await iterator.next()).done).toBe(false);
  await expect(iterator.next()).rejects.toMatchObject({ code: "ERR_SLOW_CONSUMER" });
});
