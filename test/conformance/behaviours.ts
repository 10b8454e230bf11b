import type { ExecutorLike, ExecutorOptions, TokenChunk, TokenStream } from "@trtllm-node/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** One way to run an executor. It keeps the limits that it is created with. */
export interface Subject {
  create(options: ExecutorOptions): Promise<ExecutorLike>;
  /** Rejects as a load of something that is not there. */
  createMissing(): Promise<ExecutorLike>;
}

const limits = { maxBatchSize: 4, maxBeamWidth: 3, maxQueueSize: 2000 } satisfies ExecutorOptions;
/** Takes long enough to be cancelled on its way, on any executor. */
const long = 200;
const prompt = (index: number) => [1 + index, 2, 3];

async function collect(stream: AsyncIterable<TokenChunk>): Promise<Int32Array> {
  const ids: number[] = [];
  for await (const chunk of stream) ids.push(...chunk.tokens);
  return Int32Array.from(ids);
}

/** The first chunk says that the request runs. */
async function running(stream: TokenStream): Promise<TokenStream> {
  const { done } = await stream[Symbol.asyncIterator]().next();
  expect(done).toBe(false);
  return stream;
}

/** What every implementation of `ExecutorLike` does, whatever is behind it. */
export function conformsToExecutorLike(title: string, subject: Subject): void {
  describe(title, () => {
    let executor: ExecutorLike;

    beforeAll(async () => {
      executor = await subject.create(limits);
    });

    afterAll(() => executor.dispose());

    const submit = (
      index: number,
      maxTokens: number,
      more: { signal?: AbortSignal; logProbs?: boolean } = {},
    ) => executor.submit({ tokens: prompt(index), maxTokens, ...more });

    async function worksStill(): Promise<void> {
      expect(await submit(0, 3).result).toMatchObject({ finishReason: "length", tokens: { length: 3 } });
    }

    test("It describes its engine, with the limits it was given.", () => {
      expect(executor.engine).toMatchObject(limits);
      expect(executor.engine.vocabularySize).toBeGreaterThan(0);
      expect(executor.engine.kvBlocks).toBeGreaterThan(0);
    });

    test("A stream gives the tokens that its result holds, as many as asked for.", async () => {
      const stream = submit(0, 12);
      const streamed = await collect(stream);
      const result = await stream.result;
      expect(streamed).toEqual(result.tokens);
      expect(result).toMatchObject({ finishReason: "length", tokens: { length: 12 } });
      const { queueMs, timeToFirstTokenMs, totalMs } = result.timings;
      expect(queueMs).toBeGreaterThanOrEqual(0);
      expect(timeToFirstTokenMs).toBeGreaterThanOrEqual(queueMs);
      expect(totalMs).toBeGreaterThanOrEqual(timeToFirstTokenMs!);
    });

    test("Requests in flight have ids of their own, and more than a batch of them all end.", async () => {
      const streams = Array.from({ length: 12 }, (_, index) => submit(index, 4));
      expect(new Set(streams.map(({ id }) => id)).size).toBe(12);
      const results = await Promise.all(streams.map(({ result }) => result));
      for (const { tokens } of results) expect(tokens).toHaveLength(4);
    });

    test("Log-probabilities come one per token and are at most 0, in chunks and result alike.", async () => {
      const stream = submit(0, 6, { logProbs: true });
      const chunked: number[] = [];
      for await (const { tokens, logProbs } of stream) {
        expect(logProbs).toHaveLength(tokens.length);
        chunked.push(...logProbs!);
      }
      const { logProbs } = await stream.result;
      expect(logProbs).toEqual(Float32Array.from(chunked));
      for (const logProb of chunked) expect(logProb).toBeLessThanOrEqual(0);
    });

    test("Several sequences stream side by side, each with its own tokens, log-probabilities and end.", async () => {
      const sampling = { temperature: 1, numReturnSequences: 3 };
      const stream = executor.submit({ tokens: prompt(0), maxTokens: 8, sampling, logProbs: true });
      const streamed: number[][] = [[], [], []];
      for await (const { sequenceIndex, tokens } of stream) streamed[sequenceIndex!]!.push(...tokens);
      const { sequences, ...first } = await stream.result;
      expect(sequences!.map(({ tokens }) => [...tokens])).toEqual(streamed);
      expect(first).toMatchObject(sequences![0]!);
      for (const { tokens, logProbs, cumLogProb, finishReason } of sequences!) {
        expect(["length", "end"]).toContain(finishReason);
        expect(logProbs).toHaveLength(tokens.length);
        expect(cumLogProb).toBeCloseTo(
          logProbs!.reduce((sum, value) => sum + value, 0),
          3,
        );
      }
    });

    test("Beams come whole, the likeliest first, as many as are to be returned.", async () => {
      const sampling = { beamWidth: 3, numReturnSequences: 2 };
      const stream = executor.submit({ tokens: prompt(0), maxTokens: 6, sampling });
      const streamed = new Map<number, Int32Array>();
      for await (const { sequenceIndex, tokens } of stream) {
        expect(streamed.has(sequenceIndex!)).toBe(false);
        streamed.set(sequenceIndex!, tokens);
      }
      const { sequences } = await stream.result;
      expect(sequences).toHaveLength(2);
      expect(sequences!.map(({ tokens }) => tokens)).toEqual([streamed.get(0), streamed.get(1)]);
      for (const { cumLogProb, logProbs } of sequences!) {
        expect(cumLogProb).toBeLessThan(0);
        expect(logProbs).toBeUndefined();
      }
    });

    test("A cancel ends every sequence and every beam; those cut off keep what was streamed.", async () => {
      const streams = [{ temperature: 1, numReturnSequences: 2 }, { beamWidth: 3 }].map((sampling) =>
        executor.submit({ tokens: prompt(0), maxTokens: long, sampling }),
      );
      await running(streams[0]!);
      for (const stream of streams) stream.cancel();
      const results = await Promise.all(streams.map(({ result }) => result));
      expect(results.map(({ sequences }) => sequences!.length)).toEqual([2, 3]);
      for (const { finishReason } of results) expect(finishReason).toBe("cancelled");
      expect(results[0]!.tokens.length).toBeGreaterThan(0);
      await worksStill();
    });

    test("A cancelled request resolves with what it made; a cancel too many does nothing.", async () => {
      const stream = await running(submit(0, long));
      stream.cancel();
      stream.cancel();
      const { finishReason, tokens } = await stream.result;
      expect(finishReason).toBe("cancelled");
      expect(tokens.length).toBeGreaterThan(0);
      stream.cancel();
      await worksStill();
    });

    test("A request that waits for its turn can be cancelled, and those that run go on.", async () => {
      const busy = await Promise.all([0, 1, 2, 3].map((index) => running(submit(index, long))));
      const waiting = submit(4, long);
      waiting.cancel();
      for (const stream of busy) stream.cancel();
      expect(await waiting.result).toMatchObject({ finishReason: "cancelled" });
      await worksStill();
    });

    test("An abort rejects stream and result with its reason, and leaves others alone.", async () => {
      const controller = new AbortController();
      const other = submit(1, 20);
      const stream = submit(0, long, { signal: controller.signal });
      const reading = collect(stream);
      controller.abort("enough");
      const aborted = { name: "AbortError", code: "ERR_ABORTED", cause: "enough" };
      await expect(reading).rejects.toMatchObject(aborted);
      await expect(stream.result).rejects.toMatchObject(aborted);
      expect((await other.result).tokens).toHaveLength(20);
    });

    test("A signal that is aborted already refuses the request.", () => {
      const signal = AbortSignal.abort("too late");
      expect(() => submit(0, 4, { signal })).toThrow(expect.objectContaining({ code: "ERR_ABORTED" }));
    });

    test("Leaving the loop, or throwing out of it, cancels the request.", async () => {
      const left = submit(0, long);
      for await (const _ of left) break;
      const thrown = submit(1, long);
      const loop = async () => {
        for await (const _ of thrown) throw new Error("no more");
      };
      await expect(loop()).rejects.toThrow("no more");
      for (const { result } of [left, thrown])
        expect(await result).toMatchObject({ finishReason: "cancelled" });
    });

    test.each([
      ["an empty prompt", { tokens: [] }, "ERR_INVALID_REQUEST"],
      ["no tokens to make", { maxTokens: 0 }, "ERR_INVALID_REQUEST"],
      ["a token outside the vocabulary", { tokens: [2 ** 31 - 1] }, "ERR_INVALID_REQUEST"],
      ["more beams than were loaded for", { sampling: { beamWidth: 4 } }, "ERR_INVALID_REQUEST"],
      [
        "more sequences than the KV cache holds",
        { sampling: { numReturnSequences: 9999 } },
        "ERR_KV_CACHE_FULL",
      ],
      ["a prompt that no sequence holds", { tokens: new Int32Array(1_000_000) }, "ERR_PROMPT_TOO_LONG"],
    ])("A request with %s is refused at once.", (_, wrong, code) => {
      const submitWrong = () => executor.submit({ tokens: [1], maxTokens: 1, ...wrong });
      expect(submitWrong).toThrow(expect.objectContaining({ code }));
    });

    test("Iteration statistics come once, and belong to what ran.", async () => {
      executor.iterationStats();
      await submit(0, 5).result;
      const stats = executor.iterationStats();
      expect(stats.length).toBeGreaterThanOrEqual(5);
      expect(stats.map(({ iter }) => iter)).toEqual(stats.map(({ iter }) => iter).toSorted((a, b) => a - b));
      expect(executor.iterationStats()).toEqual([]);
    });

    test("The vocabulary of the engine tokenizes, and has a piece for each token.", () => {
      const { vocabulary } = executor;
      const tokens = vocabulary!.tokenize("Hello", { addSpecial: false });
      const bytes = [...tokens].map((id) => Buffer.from(vocabulary!.pieces[id]!.bytes));
      expect(Buffer.concat(bytes).toString()).toBe("Hello");
    });

    test("A thousand cancels in every phase, with log-probs on, each end their request once.", async () => {
      const early = [
        (stream: TokenStream) => stream.cancel(), // before anything
        (stream: TokenStream) => queueMicrotask(() => stream.cancel()),
        (stream: TokenStream) => setImmediate(() => stream.cancel()),
      ];
      const late = [
        (stream: TokenStream) => {
          const reader = stream[Symbol.asyncIterator]();
          void reader.next().then(() => reader.return?.()); // while it runs
        },
        (stream: TokenStream) => void stream.result.then(() => stream.cancel()), // after its end
      ];
      const streams = Array.from({ length: 1000 }, (_, index) => {
        const phases = index % 50 === 0 ? late : early; // few, as those are computed
        const stream = submit(index % 50, 3, { logProbs: true });
        phases[Math.floor(index / 50) % phases.length]!(stream);
        return stream;
      });
      for (const { result } of streams) {
        const { finishReason, tokens, logProbs } = await result;
        expect(["cancelled", "length"]).toContain(finishReason);
        expect(logProbs?.length ?? 0).toBe(tokens.length);
      }
      await worksStill();
    });

    test("More than batch and queue hold is refused with QueueFullError, and the rest is done.", async () => {
      await using small = await subject.create({ maxBatchSize: 1, maxQueueSize: 2 });
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, async () => {
          try {
            return (await small.submit({ tokens: [1, 2], maxTokens: 5 }).result).finishReason;
          } catch (error) {
            return (error as { code: string }).code;
          }
        }),
      );
      expect(new Set(outcomes)).toEqual(new Set(["length", "ERR_QUEUE_FULL"]));
    });

    test("Dispose ends what runs as cancelled, with its tokens; every use afterwards is a DisposedError.", async () => {
      const other = await subject.create(limits);
      const streams = await Promise.all(
        [0, 1, 2, 3, 4, 5].map((index) => other.submit({ tokens: prompt(index), maxTokens: long })),
      );
      await running(streams[0]!);
      await other.dispose();
      await other.dispose();
      for (const { result } of streams) expect(await result).toMatchObject({ finishReason: "cancelled" });
      expect((await streams[0]!.result).tokens.length).toBeGreaterThan(0);
      const disposed = expect.objectContaining({ code: "ERR_DISPOSED" });
      expect(() => other.submit({ tokens: [1], maxTokens: 1 })).toThrow(disposed);
      expect(() => other.iterationStats()).toThrow(disposed);
      expect(() => other.vocabulary?.tokenize("x")).toThrow(disposed);
    });

    test("An engine that is not there fails the load, and an aborted load ends with its reason.", async () => {
      await expect(subject.createMissing()).rejects.toMatchObject({ code: "ERR_ENGINE_NOT_FOUND" });
      const controller = new AbortController();
      const loading = subject.create({ ...limits, signal: controller.signal });
      controller.abort("changed my mind");
      await expect(loading).rejects.toMatchObject({ name: "AbortError", cause: "changed my mind" });
    });
  });
}
