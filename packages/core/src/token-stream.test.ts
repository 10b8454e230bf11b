import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { ExecutorError } from "./errors.ts";
import type { TokenChunk } from "./executor-like.ts";
import type { FinalRecord, TokensRecord } from "./native/records.ts";
import { RequestStream } from "./token-stream.ts";

function tokens(...ids: number[]): TokensRecord {
  return { kind: "tokens", requestId: 1, tokens: Int32Array.from(ids), logProbs: undefined };
}

function final(over: Partial<FinalRecord> = {}): FinalRecord {
  return {
    kind: "final",
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
    ...over,
  };
}

function started(signal?: AbortSignal) {
  const cancels: number[] = [];
  const stream = new RequestStream(1, () => cancels.push(1), signal);
  return { stream, cancels };
}

async function collect(stream: AsyncIterable<TokenChunk>): Promise<number[]> {
  const ids: number[] = [];
  for await (const chunk of stream) ids.push(...chunk.tokens);
  return ids;
}

test("Chunks come in order, both those that waited and those that are waited for.", async () => {
  const { stream, cancels } = started();
  stream.push(tokens(1, 2));
  const all = collect(stream);
  await Promise.resolve();
  stream.push(tokens(3));
  stream.push(tokens(4));
  stream.finish(final());
  expect(await all).toEqual([1, 2, 3, 4]);
  expect(cancels).toEqual([]);
});

test("The result holds all tokens and times in milliseconds, whether or not anyone iterates.", async () => {
  const { stream } = started();
  stream.push(tokens(1));
  stream.push(tokens(2, 3, 4));
  stream.finish(final());
  expect(await stream.result).toEqual({
    tokens: Int32Array.of(1, 2, 3, 4),
    logProbs: undefined,
    finishReason: "length",
    timings: { queueMs: 2, timeToFirstTokenMs: 10, interTokenMs: 10, totalMs: 40 },
    kvBlocks: { allocated: 3, new: 2, reused: 1 },
  });
});

test("A request without a token has no token times; it took until its end.", async () => {
  const { stream } = started();
  stream.finish(final({ finishReason: "cancelled", firstScheduledNs: 0, firstTokenNs: 0, lastTokenNs: 0 }));
  const { timings } = await stream.result;
  expect(timings).toEqual({
    queueMs: 50,
    timeToFirstTokenMs: undefined,
    interTokenMs: undefined,
    totalMs: 50,
  });
});

test("Log-probabilities are joined as the tokens are.", async () => {
  const { stream } = started();
  stream.push({ ...tokens(1), logProbs: Float32Array.of(-0.5) });
  stream.push({ ...tokens(2), logProbs: Float32Array.of(-1) });
  stream.finish(final());
  expect((await stream.result).logProbs).toEqual(Float32Array.of(-0.5, -1));
});

test("Leaving the loop cancels; the result resolves once the executor confirms.", async () => {
  const { stream, cancels } = started();
  stream.push(tokens(1));
  stream.push(tokens(2));
  for await (const _ of stream) break;
  expect(cancels).toHaveLength(1);
  stream.finish(final({ finishReason: "cancelled" }));
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
  const { stream } = started();
  const iterator = stream[Symbol.asyncIterator]();
  const reads = [iterator.next(), iterator.next(), iterator.next()];
  stream.push(tokens(1));
  stream.push(tokens(2));
  stream.finish(final());
  const values = (await Promise.all(reads)).map(({ value }) => value?.tokens[0]);
  expect(values).toEqual([1, 2, undefined]);
});

test("A second iteration is an error.", async () => {
  const { stream } = started();
  stream.finish(final());
  await collect(stream);
  expect(() => stream[Symbol.asyncIterator]()).toThrow("iterated once");
});

test("A failure comes after the tokens that precede it, and rejects the result.", async () => {
  const { stream } = started();
  const failure = new ExecutorError("ERR_EXECUTOR", "out of luck");
  stream.push(tokens(1));
  stream.fail(failure);
  const iterator = stream[Symbol.asyncIterator]();
  expect((await iterator.next()).value?.tokens).toEqual(Int32Array.of(1));
  await expect(iterator.next()).rejects.toBe(failure);
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
  await expect(stream.result).rejects.toBe(failure);
});

test("An abort rejects iteration and result at once with the reason as cause; nothing comes late.", async () => {
  const controller = new AbortController();
  const { stream, cancels } = started(controller.signal);
  stream.push(tokens(1));
  const iterator = stream[Symbol.asyncIterator]();
  controller.abort("enough");
  stream.push(tokens(2));
  await expect(iterator.next()).rejects.toMatchObject({
    name: "AbortError",
    code: "ERR_ABORTED",
    cause: "enough",
  });
  await expect(stream.result).rejects.toMatchObject({ name: "AbortError", cause: "enough" });
  expect(cancels).toHaveLength(1);
  stream.finish(final({ finishReason: "cancelled" }));
  stream.cancel();
  expect(cancels).toHaveLength(1);
});

test("The signal is let go of when the request ends.", () => {
  const { signal } = new AbortController();
  const streams = [started(signal).stream, started(signal).stream];
  expect(getEventListeners(signal, "abort")).toHaveLength(2);
  streams[0]?.finish(final());
  streams[1]?.fail(new ExecutorError("ERR_EXECUTOR", "x"));
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

test("A result that nobody looks at never becomes an unhandled rejection.", async () => {
  const unhandled: unknown[] = [];
  const listen = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", listen);
  started().stream.fail(new ExecutorError("ERR_EXECUTOR", "x"));
  await new Promise(setImmediate);
  process.off("unhandledRejection", listen);
  expect(unhandled).toEqual([]);
});
