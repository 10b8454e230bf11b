import * as huggingFace from "@huggingface/tokenizers";
import type { NormalizerJson, PatternJson, PreTokenizerJson, TokenizerJson } from "./tokenizer-files.ts";
import { mostTokens } from "./tokenizer-parts.ts";

/** Cuts a piece of text into words for the model; `isFirst`: the piece begins the text. */
export type PreTokenizer = (piece: string, isFirst: boolean) => string[];
export type Normalizer = (text: string) => string;

/** What is used of @huggingface/tokenizers, whose own declarations do not resolve under "nodenext". */
interface Library {
  readonly Tokenizer: new (tokenizer: object, config: object) => LibraryTokenizer;
  readonly SplitPreTokenizer: new (config: object) => { readonly pattern: RegExp };
}

export interface LibraryTokenizer {
  readonly model: Model;
  readonly normalizer: Normalizer | null;
  readonly pre_tokenizer: ((piece: string, options: { section_index: number }) => string[]) | null;
  readonly post_processor:
    | ((tokens: string[], pair: null, addSpecial: boolean) => { readonly tokens: string[] })
    | null;
  decode(tokens: number[], options: { clean_up_tokenization_spaces: boolean }): string;
}

export interface Model {
  (words: string[]): string[];
  readonly vocab: string[];
  readonly tokens_to_ids: Map<string, number>;
  readonly unk_token: string | undefined;
  unk_token_id: number | undefined;
  /** Of BPE: the JSON of a pair, and its rank. */
  readonly bpe_ranks: Map<string, number>;
}

const library = huggingFace as unknown as Library;

/** The model, the post-processor and the decoder of a tokenizer. What is before the model is made apart. */
export function createLibraryTokenizer(json: TokenizerJson): LibraryTokenizer {
  const tokenizer = new library.Tokenizer({ ...json, normalizer: null, pre_tokenizer: null }, {});
  const { length } = tokenizer.model.vocab;
  if (length <= mostTokens) return tokenizer;
  throw new Error(`it has a token with the id ${length - 1}, above ${mostTokens}`);
}

const noModel = {
  decoder: null,
  post_processor: null,
  added_tokens: [],
  model: { type: "WordPiece", vocab: {} },
};

export function createLibraryNormalizer(json: NormalizerJson): Normalizer {
  const { normalizer } = new library.Tokenizer({ ...noModel, pre_tokenizer: null, normalizer: json }, {});
  return (text) => normalizer!(text);
}

export function createLibraryPreTokenizer(json: PreTokenizerJson): PreTokenizer {
  const { pre_tokenizer } = new library.Tokenizer({ ...noModel, pre_tokenizer: json, normalizer: null }, {});
  return (piece, isFirst) => pre_tokenizer!(piece, { section_index: isFirst ? 0 : 1 });
}

/** The JavaScript of a pattern that is written for Oniguruma. */
export function compilePattern(pattern: PatternJson): RegExp {
  return new library.SplitPreTokenizer({ pattern, invert: true }).pattern;
}
