import type { IncrementalDecoder } from "./incremental-decoder.ts";

/** For vocabularies whose tokens are bytes of UTF-8 text, and may begin or end inside a character. */
export class ByteDecoder implements IncrementalDecoder {
  readonly #bytesOf: (token: number) => Uint8Array | undefined;
  // A BOM is text like any other here, as it is to the encoder.
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

  /** @param bytesOf the bytes of a token; `undefined` for one that has no text */
  constructor(bytesOf: (token: number) => Uint8Array | undefined) {
    this.#bytesOf = bytesOf;
  }

  push(tokens: Iterable<number>): string {
    let text = "";
    for (const token of tokens) {
      const bytes = this.#bytesOf(token);
      if (bytes !== undefined) text += this.#utf8.decode(bytes, { stream: true });
    }
    return text;
  }

  flush(): string {
    return this.#utf8.decode();
  }
}
