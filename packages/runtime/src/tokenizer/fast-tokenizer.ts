import { Tokenizer } from "@huggingface/tokenizers";
import { TokenizerError } from "../errors.ts";
import type { PreTokenizerJson, TokenizerConfigJson, TokenizerJson } from "./tokenizer-files.ts";

/** What is used of the library's Tokenizer, whose own declarations do not resolve under "nodenext". */
export interface FastTokenizer {
  readonly model: { readonly vocab: readonly string[]; readonly tokens_to_ids: Map<string, number> };
  encode(text: string, options: { add_special_tokens: boolean }): { readonly ids: readonly number[] };
  decode(tokens: number[], options: { clean_up_tokenization_spaces: boolean }): string;
  id_to_token(token: number): string | undefined;
  token_to_id(text: string): number | undefined;
}

/** @throws TokenizerError: the files describe no tokenizer that the library can build */
export function createFastTokenizer(tokenizer: TokenizerJson, config: TokenizerConfigJson): FastTokenizer {
  try {
    const { pre_tokenizer: preTokenizer } = tokenizer;
    return new Tokenizer(
      { ...tokenizer, pre_tokenizer: preTokenizer && withEveryDigit(preTokenizer) },
      config,
    );
  } catch (error) {
    throw new TokenizerError(
      `tokenizer.json describes a tokenizer that @huggingface/tokenizers cannot build: ${(error as Error).message}. ` +
        "Save the model's tokenizer again with a current transformers.",
      { cause: error },
    );
  }
}

/**
 * The library's "Digits" knows only 0 to 9, that of Hugging Face's own tokenizers every number of Unicode ("½", "٣"),
 * as models are trained with.
 */
function withEveryDigit(preTokenizer: PreTokenizerJson): object {
  const { type, pretokenizers = [], individual_digits: single = false } = preTokenizer;
  if (type === "Sequence") return { ...preTokenizer, pretokenizers: pretokenizers.map(withEveryDigit) };
  if (type !== "Digits") return preTokenizer;
  const pattern = { Regex: single ? "\\p{N}" : "\\p{N}+" };
  return { type: "Split", pattern, behavior: "Isolated", invert: false };
}
