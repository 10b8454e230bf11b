import { type ApiError, toApiError } from "../api-error.ts";

const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
  // nginx would gather the events.
  "x-accel-buffering": "no",
};

/** Below the 30 s or more for which proxies keep a silent connection. */
const keepAliveMs = 15_000;

/** How the events of one kind of answer are written. JSON has no raw line breaks, which would end an event. */
export interface EventFormat<Event> {
  readonly event: (event: Event) => string;
  readonly error: (error: ApiError) => string;
  /** Behind the last event. */
  readonly end: string;
}

/** Of chats and completions. */
export const unnamedEvents: EventFormat<object> = {
  event: data,
  error: ({ body }) => data(body),
  end: "data: [DONE]\n\n",
};

function data(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

interface EventStreamOptions {
  /** Called where the client goes away; makes a waiting `events.next()` reject. */
  readonly cancel: () => void;
  /** Told of what fails once the response has begun. */
  readonly onError: (error: unknown) => void;
}

/**
 * Server-sent events, as OpenAI sends them. Where they fail, an error comes and not the end. Waits for the first
 * event, so that what fails before it is an ordinary response; but not longer than a proxy would. Then, and wherever
 * nothing happens for so long, a comment keeps the connection open.
 */
export async function eventStream<Event extends object>(
  events: AsyncGenerator<Event, undefined>,
  { event, error, end }: EventFormat<Event>,
  { cancel, onError }: EventStreamOptions,
): Promise<Response> {
  const utf8 = new TextEncoder();
  const keepAlive = utf8.encode(": keep-alive\n\n");
  let next: Promise<IteratorResult<Event, undefined>> | undefined = events.next();
  let late = !(await settlesWithin(next, keepAliveMs));
  let open = true;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // Makes the headers go out.
        if (late) {
          late = false;
          return controller.enqueue(keepAlive);
        }
        const send = (text: string) => controller.enqueue(utf8.encode(text));
        const timer = setInterval(() => open && controller.enqueue(keepAlive), keepAliveMs);
        try {
          const { done, value } = await (next ?? events.next());
          next = undefined;
          send(done ? end : event(value));
          if (done) controller.close();
        } catch (cause) {
          onError(cause);
          send(error(toApiError(cause)));
          controller.close();
        } finally {
          clearInterval(timer);
        }
      },
      async cancel() {
        open = false;
        cancel();
        await events.return(undefined).catch(() => {});
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers });
}

/** False: it takes longer. Rejects where it fails in that time. */
async function settlesWithin(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
