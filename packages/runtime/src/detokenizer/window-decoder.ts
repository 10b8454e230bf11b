import type { IncrementalDecoder } from "./incremental-decoder.ts";

/** What the bytes of an incomplete character decode to. */
const REPLACEMENT = "\uFFFD";

/**
 * For tokenizers that can only decode whole lists of tokens. Decodes just the tokens of the character that is
 * still open, behind some fixed ones: what a decoder does only to the start of a text, such as dropping its
 * leading space, then never happens to the middle of one.
 */
export class WindowDecoder implements IncrementalDecoder {
  readonly #decode: (tokens: number[]) => string;
  readonly #hasText: (token: number) => boolean;
  readonly #seed: readonly number[];
  readonly #seedLength: number;
  #open: number[] = [];

  /**
   * @param decode the text of a list of tokens
   * @param hasText false: the token is skipped, and never given to `decode`
   * @param seed tokens of some ordinary text
   */
  constructor(
    decode: (tokens: number[]) => string,
    hasText: (token: number) => boolean,
    seed: readonly number[],
  ) {
    this.#decode = decode;
    this.#hasText = hasText;
    this.#seed = seed;
    this.#seedLength = decode([...seed]).length;
  }

  push(tokens: Iterable<number>): string {
    let text = "";
    for (const token of tokens) {
      if (!this.#hasText(token)) continue;
      const before = this.#openText();
      this.#open.push(token);
      const now = this.#openText();
      if (!now.endsWith(REPLACEMENT)) {
        text += now;
        this.#open = [];
      } else if (now.length > before.length && now.startsWith(before)) {
        // The token opens a character of its own, so nothing can complete what was open before.
        text += before;
        this.#open = [token];
      }
    }
    return text;
  }

  flush(): string {
    const text = this.#openText();
    this.#open = [];
    return text;
  }

  #openText(): string {
    if (this.#open.length === 0) return "";
    return this.#decode([...this.#seed, ...this.#open]).slice(this.#seedLength);
  }
}
