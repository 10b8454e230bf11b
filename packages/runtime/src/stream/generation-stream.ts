import { Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";

/**
 * One answer as it is made. Iterate it once, directly or through one of its views; leaving the loop early, and
 * cancelling or destroying a view, cancels the request. `result` can be awaited with or without iterating.
 */
export abstract class GenerationStream<Item, Result> implements AsyncIterable<Item> {
  /**
   * The whole answer. After `cancel()` it resolves with what there is and `"cancelled"`.
   * Rejects with AbortedError where the request's signal was aborted, and with what else ended the request.
   */
  abstract readonly result: Promise<Result>;

  /** Ends the request early. No effect once it has ended. */
  abstract cancel(): void;

  abstract [Symbol.asyncIterator](): AsyncIterator<Item, undefined>;

  /** The answer's text alone, in pieces of whole characters. */
  abstract readonly textStream: AsyncIterable<string>;

  /** A web stream of the same items. Nothing is read ahead. */
  toReadableStream(): ReadableStream<Item> {
    return ReadableStream.from(this);
  }

  /** A Node stream of the same items, in object mode. For the text alone: `Readable.from(stream.textStream)`. */
  toNodeStream(): Readable {
    return Readable.from(this);
  }
}

/** Of each item the text, where it has one. */
export function textsOf<Item>(
  stream: AsyncIterable<Item>,
  textOf: (item: Item) => string,
): AsyncIterable<string> {
  // No generator: its return() would wait for a running next(), and so for a token, before it cancels.
  return {
    [Symbol.asyncIterator]() {
      const items = stream[Symbol.asyncIterator]();
      return {
        next: async () => {
          for (;;) {
            const { done, value } = await items.next();
            if (done) return { done, value: undefined };
            const text = textOf(value);
            if (text !== "") return { done: false, value: text };
          }
        },
        return: async () => {
          await items.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
