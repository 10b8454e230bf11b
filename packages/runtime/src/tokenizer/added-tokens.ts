import type { AddedTokenJson } from "./tokenizer-files.ts";
import { leadingSpaceEnd, trailingSpaceStart } from "./whitespace.ts";

/** Between added tokens: a text; else the token that stands there. */
export type Section = string | number;

interface Node {
  readonly next: Map<string, Node>;
  token?: AddedTokenJson;
}

/** Finds added tokens in a text: the leftmost, and of those that begin there the longest. */
export class AddedTokens {
  readonly #root: Node = { next: new Map() };

  /** @param normalize what is done to a text before it is split here */
  constructor(tokens: readonly AddedTokenJson[], normalize: (text: string) => string = (text) => text) {
    for (const token of tokens) {
      let node = this.#root;
      for (const unit of normalize(token.content).split("")) {
        let next = node.next.get(unit);
        if (next === undefined) {
          next = { next: new Map() };
          node.next.set(unit, next);
        }
        node = next;
      }
      if (node !== this.#root) node.token = token;
    }
  }

  /** @param parseSpecial false: special tokens in the text are text */
  split(text: string, parseSpecial: boolean): Section[] {
    const sections: Section[] = [];
    let done = 0;
    for (let at = 0; at < text.length; ) {
      const match = this.#longest(text, at);
      if (match === undefined) {
        at++;
        continue;
      }
      const { token, end } = match;
      const start = at;
      at = end;
      if (token.special && !parseSpecial) continue;
      if (token.single_word && !standsAlone(text, start, end)) continue;
      const from = token.lstrip ? trailingSpaceStart(text, done, start) : start;
      if (from > done) sections.push(text.slice(done, from));
      sections.push(token.id);
      done = token.rstrip ? leadingSpaceEnd(text, end) : end;
    }
    if (done < text.length) sections.push(text.slice(done));
    return sections;
  }

  #longest(text: string, start: number): { token: AddedTokenJson; end: number } | undefined {
    let node = this.#root.next.get(text[start]!);
    let found: { token: AddedTokenJson; end: number } | undefined;
    for (let end = start + 1; node !== undefined; end++) {
      if (node.token !== undefined) found = { token: node.token, end };
      node = end < text.length ? node.next.get(text[end]!) : undefined;
    }
    return found;
  }
}

const wordBefore = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const wordAfter = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;

function standsAlone(text: string, start: number, end: number): boolean {
  // Two units hold any character.
  return (
    !wordBefore.test(text.slice(Math.max(start - 2, 0), start)) && !wordAfter.test(text.slice(end, end + 2))
  );
}
