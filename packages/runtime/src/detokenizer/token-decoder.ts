import type { IncrementalDecoder } from "./incremental-decoder.ts";

/** A token's bytes; its text where they are whole characters; "" where it has none. */
type TokenText = string | Uint8Array;

/** The texts of a vocabulary's tokens, each looked up once. Shared by the decoders of all answers. */
export class TokenTexts {
  readonly #bytesOf: (token: number) => Uint8Array | undefined;
  readonly #texts: TokenText[] = [];
  readonly #whole = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  /** @param bytesOf the bytes of a token, UTF-8 that may begin or end inside a character; `undefined`: no text */
  constructor(bytesOf: (token: number) => Uint8Array | undefined) {
    this.#bytesOf = bytesOf;
  }

  get(token: number): TokenText {
    return this.#texts[token] ?? this.#lookUp(token);
  }

  #lookUp(token: number): TokenText {
    const bytes = this.#bytesOf(token);
    // Not kept: a token outside the vocabulary could make the list as long as it likes.
    if (bytes === undefined) return "";
    let text: TokenText = bytes;
    try {
      text = this.#whole.decode(bytes);
    } catch {
      // A part of a character.
    }
    this.#texts[token] = text;
    return text;
  }
}

/** The text of one answer. A token costs the same wherever in the answer it stands. */
export class TokenDecoder implements IncrementalDecoder {
  readonly #texts: TokenTexts;
  // A BOM is text like any other here, as it is to the encoder.
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  /** Bytes of an unfinished character may be in `#utf8`. */
  #open = false;

  constructor(texts: TokenTexts) {
    this.#texts = texts;
  }

  push(tokens: Iterable<number>): string {
    let text = "";
    for (const token of tokens) {
      const added = this.#texts.get(token);
      if (typeof added !== "string") {
        text += this.#utf8.decode(added, { stream: true });
        this.#open = true;
      } else if (added !== "") {
        // Nothing of whole characters can complete an open one.
        text += this.#open ? this.flush() + added : added;
      }
    }
    return text;
  }

  flush(): string {
    this.#open = false;
    return this.#utf8.decode();
  }
}
