import type { TokenStream } from "@trtllm-node/core";
import { concatTokens } from "./concat-tokens.ts";
import type { IncrementalDecoder } from "./detokenizer/incremental-decoder.ts";
import { type GenerationResult, type PromptInfo, toGenerationResult } from "./generation-result.ts";

export interface TextChunk {
  /** Whole characters, at least one. The chunks' texts joined are the text of the result. */
  readonly text: string;
  /** The tokens since the last chunk. Tokens after the last text, such as an end token, are in no chunk. */
  readonly tokens: Int32Array;
}

/**
 * One answer as it is made. Iterate it once; leaving the loop early cancels the request. `result` can be awaited
 * with or without iterating.
 */
export class TextStream implements AsyncIterable<TextChunk> {
  readonly #source: TokenStream;
  readonly #createDecoder: () => IncrementalDecoder;
  readonly #prompt: PromptInfo;
  #result: Promise<GenerationResult> | undefined;

  constructor(source: TokenStream, createDecoder: () => IncrementalDecoder, prompt: PromptInfo) {
    this.#source = source;
    this.#createDecoder = createDecoder;
    this.#prompt = prompt;
  }

  /**
   * The whole answer. After `cancel()` it resolves with what there is and `"cancelled"`.
   * Rejects with AbortedError where the request's signal was aborted, and with what else ended the request.
   */
  get result(): Promise<GenerationResult> {
    if (this.#result === undefined) {
      this.#result = this.#source.result.then((result) => {
        const decoder = this.#createDecoder();
        return toGenerationResult(result, decoder.push(result.tokens) + decoder.flush(), this.#prompt);
      });
      // Who iterates gets the error there; a result that nobody awaits must not end the process.
      this.#result.catch(() => {});
    }
    return this.#result;
  }

  /** Ends the request early. No effect once it has ended. */
  cancel(): void {
    this.#source.cancel();
  }

  // No generator: its return() would wait for a running next(), and so for a token, before it cancels.
  [Symbol.asyncIterator](): AsyncIterator<TextChunk, undefined> {
    const source = this.#source[Symbol.asyncIterator]();
    const decoder = this.#createDecoder();
    let held: Int32Array[] = [];
    return {
      next: async () => {
        for (;;) {
          const { done, value } = await source.next();
          if (!done) held.push(value.tokens);
          const text = done ? decoder.flush() : decoder.push(value.tokens);
          if (text !== "") {
            const tokens = concatTokens(held);
            held = [];
            return { done: false, value: { text, tokens } };
          }
          if (done) return { done: true, value: undefined };
        }
      },
      return: async () => {
        await source.return?.();
        return { done: true, value: undefined };
      },
    };
  }
}
