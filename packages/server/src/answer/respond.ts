import type { Call } from "../http/admission.ts";
import { eventStream, unnamedEvents } from "../http/event-stream.ts";
import { merge } from "../http/merge.ts";
import { type ChoiceEnd, type ChoiceEvent, type Envelope, UsageSum } from "./choice.ts";
import type { ChosenLogProb } from "./log-probs.ts";

/** How the choices of one kind of answer are written. */
export interface ChoiceFormat<Piece> {
  /** @param first of this choice */
  chunk(event: ChoiceEvent<Piece>, first: boolean): object;
  /** @param told of all its tokens, where they were asked for */
  whole(
    index: number,
    pieces: readonly Piece[],
    end: ChoiceEnd,
    told: readonly ChosenLogProb[] | undefined,
  ): object;
}

interface Answer<Piece> {
  readonly envelope: Envelope;
  readonly choices: readonly AsyncIterable<ChoiceEvent<Piece>>[];
  /** Choices that answer the same prompt, and follow each other. */
  readonly perPrompt: number;
  readonly format: ChoiceFormat<Piece>;
}

/** The answer as one JSON object. Ends the call. */
export async function respondWhole<Piece>(
  { envelope, choices, perPrompt, format }: Answer<Piece>,
  call: Call,
): Promise<Response> {
  try {
    const usage = new UsageSum(perPrompt);
    const pieces: Piece[][] = choices.map(() => []);
    const ends: ChoiceEnd[] = [];
    const told: (readonly ChosenLogProb[] | undefined)[] = [];
    for await (const event of merge(choices)) {
      const { index } = event;
      if (event.told !== undefined) told[index] = [...(told[index] ?? []), ...event.told];
      if ("piece" in event) pieces[index]!.push(event.piece);
      else {
        ends[index] = event.end;
        usage.add(index, event.end);
      }
    }
    const whole = ends.map((end, index) => format.whole(index, pieces[index]!, end, told[index]));
    return Response.json({ ...envelope, choices: whole, usage });
  } finally {
    call.abort();
    call.end();
  }
}

/** The answer as it is made. Ends the call with the stream. */
export function respondStreaming<Piece>(
  answer: Answer<Piece>,
  call: Call,
  options: { readonly includeUsage: boolean; readonly onError: (error: unknown) => void },
): Promise<Response> {
  const { onError } = options;
  const events = chunks(answer, call, options.includeUsage);
  return eventStream(events, unnamedEvents, { cancel: () => call.abort(), onError });
}

async function* chunks<Piece>(
  { envelope, choices, perPrompt, format }: Answer<Piece>,
  call: Call,
  includeUsage: boolean,
): AsyncGenerator<object, undefined> {
  try {
    const usage = new UsageSum(perPrompt);
    const begun = new Set<number>();
    const noUsage = includeUsage ? { usage: null } : {};
    for await (const event of merge(choices)) {
      const { index } = event;
      const first = !begun.has(index);
      begun.add(index);
      if ("end" in event) usage.add(index, event.end);
      yield { ...envelope, choices: [format.chunk(event, first)], ...noUsage };
    }
    if (includeUsage) yield { ...envelope, choices: [], usage };
  } finally {
    // What still runs, of the other choices where one failed.
    call.abort();
    call.end();
  }
}
