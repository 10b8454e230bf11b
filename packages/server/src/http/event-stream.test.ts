import fc from "fast-check";
import { Stream } from "openai/core/streaming";
import { expect, test, vi } from "vitest";
import { unavailable } from "../api-error.ts";
import { eventStream, unnamedEvents } from "./event-stream.ts";

async function* eventsOf(events: readonly object[], failure?: Error): AsyncGenerator<object, undefined> {
  yield* events;
  if (failure !== undefined) throw failure;
}

const quiet = { cancel: () => {}, onError: () => {} };
const anyEvents = fc.array(fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue()), { maxLength: 8 });

/** The same bytes, cut elsewhere. */
async function cutAnew(response: Response, sizes: readonly number[]): Promise<Response> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    if (at < bytes.length) pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return new Response(ReadableStream.from(pieces), { headers: response.headers });
}

async function read(response: Response): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of Stream.fromSSEResponse<unknown>(response, new AbortController())) items.push(item);
  return items;
}

test("OpenAI's client reads what was sent, however the bytes are cut.", async () => {
  await fc.assert(
    fc.asyncProperty(anyEvents, fc.array(fc.integer({ min: 1, max: 20 })), async (events, sizes) => {
      // A member of this name is how an error is told.
      const sent = events.map(({ error: _, ...event }) => event);
      const response = await cutAnew(await eventStream(eventsOf(sent), unnamedEvents, quiet), sizes);
      expect(await read(response)).toEqual(JSON.parse(JSON.stringify(sent)));
    }),
  );
});

test("What fails before the first event rejects, what fails later is an event that OpenAI's client throws.", async () => {
  const failure = unavailable("gone");
  await expect(eventStream(eventsOf([], failure), unnamedEvents, quiet)).rejects.toBe(failure);
  const errors: unknown[] = [];
  const response = await eventStream(eventsOf([{ a: 1 }], failure), unnamedEvents, {
    ...quiet,
    onError: (error) => errors.push(error),
  });
  await expect(read(response)).rejects.toMatchObject({ message: expect.stringContaining("gone") });
  expect(errors).toEqual([failure]);
});

test("A reader that leaves ends the events.", async () => {
  let cancelled = false;
  let ended = false;
  async function* endless(): AsyncGenerator<object, undefined> {
    try {
      for (;;) yield {};
    } finally {
      ended = true;
    }
  }
  const response = await eventStream(endless(), unnamedEvents, {
    ...quiet,
    cancel: () => (cancelled = true),
  });
  await response.body!.cancel();
  expect([cancelled, ended]).toEqual([true, true]);
});

test("Where nothing happens, comments keep the connection open, and OpenAI's client reads on behind them.", async () => {
  vi.useFakeTimers();
  try {
    const waiting: (() => void)[] = [];
    async function* slow(): AsyncGenerator<object, undefined> {
      for (const a of [1, 2]) {
        await new Promise<void>((resolve) => waiting.push(resolve));
        yield { a };
      }
    }
    const opened = eventStream(slow(), unnamedEvents, quiet);
    await vi.advanceTimersByTimeAsync(15_000);
    const [raw, read] = (await opened).body!.tee();
    const text = new Response(raw).text();
    const items: unknown[] = [];
    const reading = (async () => {
      for await (const item of Stream.fromSSEResponse(new Response(read), new AbortController()))
        items.push(item);
    })();
    await vi.advanceTimersByTimeAsync(15_000);
    waiting.shift()!();
    await vi.advanceTimersByTimeAsync(31_000);
    waiting.shift()!();
    await reading;
    expect(items).toEqual([{ a: 1 }, { a: 2 }]);
    const [comment, first, second] = [": keep-alive\n\n", 'data: {"a":1}\n\n', 'data: {"a":2}\n\n'];
    expect(await text).toBe(`${comment}${comment}${first}${comment}${comment}${second}data: [DONE]\n\n`);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
