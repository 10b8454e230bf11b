import type { IncrementalDecoder } from "../detokenizer/incremental-decoder.ts";

/** Text to tokens and back, for one model. */
export interface Tokenizer {
  /** Encodes here and now: right for short texts. A lone surrogate counts as U+FFFD. */
  encode(text: string, options: EncodeOptions): Int32Array;
  /** The same tokens, made off the event loop: right for long texts. Rejects with AbortedError where aborted. */
  encodeAsync(text: string, options: EncodeOptions, signal?: AbortSignal): Promise<Int32Array>;
  /** Whether the text holds that of a special token. */
  containsSpecial(text: string): boolean;
  /** A decoder for one answer. */
  createDecoder(): IncrementalDecoder;
  /** Structure, such as `<|im_end|>`, which is no part of the text. Includes `endIds`. */
  isSpecial(token: number): boolean;
  /** Tokens that end an answer, the primary one first; empty where the model names none. */
  readonly endIds: readonly number[];
  /** Text of BOS, for the chat template; "" where the model has none. */
  readonly bosToken: string;
  /** Text of EOS, for the chat template; "" where the model has none. */
  readonly eosToken: string;
  /** Jinja source, where the model has one. */
  readonly chatTemplate: string | undefined;
}

export interface EncodeOptions {
  /** Put BOS and EOS where the model wants them. */
  readonly addSpecial: boolean;
  /** Read "<|im_start|>" in the text as that token, not as its letters. */
  readonly parseSpecial: boolean;
}
