import fc from "fast-check";
import { Stream } from "openai/core/streaming";
import { expect, test } from "vitest";
import { unavailable } from "../api-error.ts";
import { eventStream } from "./event-stream.ts";

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
      const response = await cutAnew(await eventStream(eventsOf(sent), quiet), sizes);
      expect(await read(response)).toEqual(JSON.parse(JSON.stringify(sent)));
    }),
  );
});

test("What fails before the first event rejects, what fails later is an event that OpenAI's client throws.", async () => {
  const failure = unavailable("gone");
  await expect(eventStream(eventsOf([], failure), quiet)).rejects.toBe(failure);
  const errors: unknown[] = [];
  const response = await eventStream(eventsOf([{ a: 1 }], failure), {
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
  const response = await eventStream(endless(), { ...quiet, cancel: () => (cancelled = true) });
  await response.body!.cancel();
  expect([cancelled, ended]).toEqual([true, true]);
});
