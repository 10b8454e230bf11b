import { TransformStream } from "node:stream/web";

/**
 * Turns each object into one server-sent event, `data: <its JSON>`, in UTF-8. Typed arrays become arrays of numbers.
 * `new Response(stream.toReadableStream().pipeThrough(serverSentEvents()))` is a whole event stream; when its reader
 * goes away, the request is cancelled.
 */
export function serverSentEvents(): TransformStream<unknown, Uint8Array> {
  const utf8 = new TextEncoder();
  return new TransformStream({
    transform(item, controller) {
      // JSON has no raw line breaks, which would end the event.
      controller.enqueue(utf8.encode(`data: ${JSON.stringify(item, plainArrays)}\n\n`));
    },
  });
}

function plainArrays(_key: string, value: unknown): unknown {
  return value instanceof Int32Array || value instanceof Float32Array ? [...value] : value;
}
