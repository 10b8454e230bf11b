import { InvalidRequestError } from "@trtllm-node/core";

/**
 * Finds stop strings in a text that comes in pieces, and holds back what may be the beginning of one. The stop
 * string that is complete first wins; of those complete at the same character, the longest.
 */
export class StopMatcher {
  readonly #stops: readonly string[];
  #held = "";
  #matched: string | undefined;

  /** @param stops whole characters each */
  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** The stop string that ended the text. */
  get matched(): string | undefined {
    return this.#matched;
  }

  /** The text that is now known to belong to the answer. After a match nothing does. */
  push(text: string): string {
    if (this.#matched !== undefined) return "";
    const all = this.#held + text;
    const match = this.#firstMatch(all);
    if (match !== undefined) {
      this.#matched = match.stop;
      this.#held = "";
      return all.slice(0, match.start);
    }
    const free = all.length - openLength(all, this.#stops);
    this.#held = all.slice(free);
    return all.slice(0, free);
  }

  /** Ends the text: what was held back is no stop string. */
  flush(): string {
    const text = this.#held;
    this.#held = "";
    return text;
  }

  #firstMatch(text: string): { stop: string; start: number } | undefined {
    let first: { stop: string; start: number; end: number } | undefined;
    for (const stop of this.#stops) {
      const start = text.indexOf(stop);
      if (start === -1) continue;
      const end = start + stop.length;
      if (first === undefined || end < first.end || (end === first.end && start < first.start)) {
        first = { stop, start, end };
      }
    }
    return first;
  }
}

/** Length of the longest end of `text` that begins one of `marks` and is not the whole of it. */
export function openLength(text: string, marks: readonly string[]): number {
  const longest = Math.max(0, ...marks.map((mark) => mark.length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const end = text.slice(text.length - length);
    if (marks.some((mark) => mark.length > length && mark.startsWith(end))) return length;
  }
  return 0;
}

/**
 * The stop strings of a request.
 * @throws InvalidRequestError: one is empty, no string, or ends inside a character
 */
export function stopStrings(stop: string | readonly string[] | undefined): readonly string[] {
  const stops: readonly unknown[] = stop === undefined ? [] : [stop].flat();
  for (const text of stops) {
    if (typeof text === "string" && text !== "" && !/\p{Surrogate}/u.test(text)) continue;
    throw new InvalidRequestError(
      `stop holds ${JSON.stringify(text) ?? String(text)}. A stop string is a text of at least one whole character.`,
    );
  }
  return stops as readonly string[];
}
