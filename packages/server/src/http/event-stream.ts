import { toApiError } from "../api-error.ts";

const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
  // nginx would gather the events.
  "x-accel-buffering": "no",
};

/**
 * Server-sent events as OpenAI sends them: JSON, at the end `[DONE]`; or where it fails, an error and no `[DONE]`.
 * Waits for the first event, so that what fails before it is an ordinary response.
 * @param onError also told of what fails before the first event, which rejects
 * @param cancel called where the client goes away; makes a waiting `events.next()` reject
 */
export async function eventStream(
  events: AsyncGenerator<object, undefined>,
  { cancel, onError }: { readonly cancel: () => void; readonly onError: (error: unknown) => void },
): Promise<Response> {
  const utf8 = new TextEncoder();
  let next: Promise<IteratorResult<object, undefined>> | undefined = events.next();
  await next;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // JSON has no raw line breaks, which would end the event.
        const send = (data: string) => controller.enqueue(utf8.encode(`data: ${data}\n\n`));
        try {
          const { done, value } = await (next ?? events.next());
          next = undefined;
          send(done ? "[DONE]" : JSON.stringify(value));
          if (done) controller.close();
        } catch (error) {
          onError(error);
          send(JSON.stringify(toApiError(error).body));
          controller.close();
        }
      },
      async cancel() {
        cancel();
        await events.return(undefined).catch(() => {});
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers });
}
