import { type PromptPart, promptTexts } from "../chat/chat-prompt.ts";
import { concatTokens } from "../concat-tokens.ts";
import type { GenerationResult } from "../generation-result.ts";
import type { PromptText } from "../prompt-text.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/**
 * The tokens that the engine has computed for a conversation, and their text. Encoding an answer's text again may give
 * other tokens than the model wrote, and from there on nothing in the KV cache would match; so the next prompt
 * begins with these tokens, wherever its text begins with this text.
 */
export interface WarmPrefix {
  readonly text: string;
  readonly tokens: Int32Array;
}

/** What a prompt begins with, as tokens, and the texts that are left to encode. The beginning is `warm`'s if it can be. */
export function afterWarm(
  warm: WarmPrefix | undefined,
  parts: readonly PromptPart[],
  tokenizer: Tokenizer,
): { readonly before: Int32Array; readonly texts: readonly PromptText[] } {
  const rest = warm && partsBehind(warm.text, parts);
  if (warm === undefined || rest === undefined)
    return { before: new Int32Array(), texts: promptTexts(parts, tokenizer, { addSpecial: true }) };
  return { before: warm.tokens, texts: promptTexts(rest, tokenizer, { addSpecial: false }) };
}

/** @param answer as text and tokens; where they do not say the same, only the prompt is warm */
export function warmPrefix(
  prompt: WarmPrefix,
  { text, tokens, stopString }: Pick<GenerationResult, "text" | "tokens" | "stopString">,
  tokenizer: Tokenizer,
): WarmPrefix {
  const ended = tokenizer.endIds.includes(tokens.at(-1) ?? -1);
  const said = ended ? tokens.subarray(0, -1) : tokens;
  const differs =
    stopString !== undefined || text.endsWith("\uFFFD") || said.some((id) => tokenizer.isSpecial(id));
  if (differs) return prompt;
  return { text: prompt.text + text, tokens: concatTokens([prompt.tokens, said]) };
}

/** `undefined` where the parts' text does not begin with `text`. */
function partsBehind(text: string, parts: readonly PromptPart[]): PromptPart[] | undefined {
  let left = text;
  const rest: PromptPart[] = [];
  for (const part of parts) {
    const length = Math.min(left.length, part.text.length);
    if (!part.text.startsWith(left.slice(0, length))) return undefined;
    left = left.slice(length);
    if (length < part.text.length) rest.push({ ...part, text: part.text.slice(length) });
  }
  return left === "" ? rest : undefined;
}
