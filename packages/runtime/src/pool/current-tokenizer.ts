import { DisposedError } from "@trtllm-node/core";
import type { IncrementalDecoder } from "../detokenizer/incremental-decoder.ts";
import type { EncodeOptions, Tokenizer } from "../tokenizer/tokenizer.ts";

/** The tokenizer of the engines that are in use now: one that an engine carries ends with that engine. */
export class CurrentTokenizer implements Tokenizer {
  #current: Tokenizer;

  constructor(current: Tokenizer) {
    this.#current = current;
  }

  /** @param next gives the same tokens */
  replace(next: Tokenizer): void {
    this.#current = next;
  }

  get endIds(): readonly number[] {
    return this.#current.endIds;
  }

  get bosToken(): string {
    return this.#current.bosToken;
  }

  get eosToken(): string {
    return this.#current.eosToken;
  }

  get chatTemplate(): string | undefined {
    return this.#current.chatTemplate;
  }

  encode(text: string, options: EncodeOptions): Int32Array {
    return this.#current.encode(text, options);
  }

  /** Begun with an engine that is gone by now, it is done again with the one in its place. */
  async encodeAsync(text: string, options: EncodeOptions, signal?: AbortSignal): Promise<Int32Array> {
    const tokenizer = this.#current;
    try {
      return await tokenizer.encodeAsync(text, options, signal);
    } catch (error) {
      if (tokenizer === this.#current || !(error instanceof DisposedError)) throw error;
      return this.encodeAsync(text, options, signal);
    }
  }

  containsSpecial(text: string): boolean {
    return this.#current.containsSpecial(text);
  }

  isSpecial(token: number): boolean {
    return this.#current.isSpecial(token);
  }

  createDecoder(): IncrementalDecoder {
    return this.#current.createDecoder();
  }
}
