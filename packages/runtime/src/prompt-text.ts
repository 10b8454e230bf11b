import { concatTokens } from "./concat-tokens.ts";
import type { EncodeOptions, Tokenizer } from "./tokenizer/tokenizer.ts";

/** A text of a prompt, and how it is to be read. */
export interface PromptText extends EncodeOptions {
  readonly text: string;
}

/** Characters together that are encoded on the event loop, in a few milliseconds. */
const mostInline = 16_384;

export function isShort(texts: readonly PromptText[]): boolean {
  return texts.reduce((sum, { text }) => sum + text.length, 0) <= mostInline;
}

export function encodeNow(texts: readonly PromptText[], tokenizer: Tokenizer): Int32Array {
  return concatTokens(texts.map(({ text, ...options }) => tokenizer.encode(text, options)));
}

/** The same tokens, made off the event loop. */
export async function encodeAsync(
  texts: readonly PromptText[],
  tokenizer: Tokenizer,
  signal: AbortSignal | undefined,
): Promise<Int32Array> {
  return concatTokens(
    await Promise.all(texts.map(({ text, ...options }) => tokenizer.encodeAsync(text, options, signal))),
  );
}
