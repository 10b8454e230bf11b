import { TokenizerError } from "../errors.ts";
import { withinTimeLimit } from "../time-limit.ts";
import { AddedTokens, type Section } from "./added-tokens.ts";
import type { LibraryTokenizer, Normalizer, PreTokenizer } from "./library.ts";
import { bounded, createNormalizer } from "./normalizer.ts";
import { createPreTokenizer } from "./pre-tokenizer.ts";
import type { EncodeOptions } from "./tokenizer.ts";
import type { TokenizerJson } from "./tokenizer-files.ts";

/** Words in the cache; and characters of a word, above which it is not worth a place. */
const cacheSize = 1 << 16;
const longestCachedWord = 64;

const loneSurrogate = /\p{Surrogate}/gu;

/** Milliseconds; the slowest known tokenizer takes a fiftieth of it. */
const encodeLimitMs = (text: string) => 500 + text.length / 20;

/** Text to token ids: added tokens, normalizer, pre-tokenizer, model, post-processor, in this order. */
export class TokenizerPipeline {
  readonly #library: LibraryTokenizer;
  readonly #normalize: Normalizer;
  readonly #preTokenize: PreTokenizer;
  /** Looked for in the text as it is, and in the normalized text. */
  readonly #rawTokens: AddedTokens;
  readonly #normalizedTokens: AddedTokens;
  readonly #special: ReadonlyMap<number, string>;
  readonly #before: readonly number[];
  readonly #after: readonly number[];
  readonly #cache = new Map<string, readonly number[]>();
  readonly #cutsAtSpaces: boolean;

  constructor(json: TokenizerJson, library: LibraryTokenizer) {
    this.#library = library;
    const normalize = createNormalizer(json.normalizer) ?? ((text) => text);
    this.#normalize = (text) => bounded(normalize(text), text);
    this.#preTokenize = createPreTokenizer(json.pre_tokenizer);
    const normalized = (token: { normalized?: boolean }) => token.normalized ?? false;
    this.#rawTokens = new AddedTokens(json.added_tokens.filter((token) => !normalized(token)));
    this.#normalizedTokens = new AddedTokens(json.added_tokens.filter(normalized), this.#normalize);
    const unknown = library.model.unk_token_id;
    const special = json.added_tokens.filter((token) => token.special && token.id !== unknown);
    this.#special = new Map(special.map(({ id, content }) => [id, content]));
    [this.#before, this.#after] = this.#surroundings();
    this.#cutsAtSpaces =
      json.model.type === "BPE" && !json.model.ignore_merges && noTokenCrossesSpace(library);
  }

  /** @throws TokenizerError: it takes too much time or memory */
  encode(text: string, options: EncodeOptions): Int32Array<ArrayBuffer> {
    try {
      return withinTimeLimit(() => this.#encode(text, options), encodeLimitMs(text));
    } catch (error) {
      throw new TokenizerError(
        `The model's tokenizer cannot encode a text of ${text.length} characters: ${(error as Error).message}. ` +
          "Shorten the text, or copy the tokenizer files from the model again.",
        { cause: error },
      );
    }
  }

  /** Whether the text holds that of a special token. */
  containsSpecial(text: string): boolean {
    const isSpecial = (section: Section) => typeof section === "number" && this.#special.has(section);
    return this.#rawTokens
      .split(text, true)
      .some((section) => this.#normalized(section, true).some(isSpecial));
  }

  #encode(text: string, { addSpecial, parseSpecial }: EncodeOptions): Int32Array<ArrayBuffer> {
    const ids: number[] = addSpecial ? [...this.#before] : [];
    // A lone surrogate is no text: U+FFFD stands for it, as wherever a string becomes UTF-8.
    let isFirst = true;
    for (const section of this.#rawTokens.split(text.replace(loneSurrogate, "\uFFFD"), parseSpecial)) {
      for (const part of this.#normalized(section, parseSpecial)) {
        if (typeof part === "number") ids.push(part);
        else this.#encodePart(part, isFirst, parseSpecial, ids);
        isFirst = false;
      }
    }
    if (addSpecial) for (const id of this.#after) ids.push(id);
    return Int32Array.from(ids);
  }

  #normalized(section: Section, parseSpecial: boolean): Section[] {
    if (typeof section === "number") return [section];
    return this.#normalizedTokens.split(this.#normalize(section), parseSpecial);
  }

  #encodePart(part: string, isFirst: boolean, parseSpecial: boolean, ids: number[]): void {
    for (const piece of this.#preTokenize(part, isFirst)) {
      for (const word of this.#cutsAtSpaces ? cutAtSpaces(piece) : [piece]) {
        for (const id of this.#encodeWord(word, parseSpecial)) ids.push(id);
      }
    }
  }

  #encodeWord(word: string, parseSpecial: boolean): readonly number[] {
    let ids = this.#cache.get(word);
    if (ids === undefined) {
      ids = this.#model(word);
      if (word.length <= longestCachedWord) {
        if (this.#cache.size >= cacheSize) this.#cache.clear();
        this.#cache.set(word, ids);
      }
    }
    return parseSpecial ? ids : ids.flatMap((id) => (this.#special.has(id) ? this.#letters(id) : id));
  }

  /** A model may have a special token among its pieces, and find it in the letters of a text. */
  #letters(id: number): number[] {
    return Array.from(this.#special.get(id)!).flatMap((letter) => this.#model(letter));
  }

  #model(word: string): number[] {
    const { model } = this.#library;
    return this.#idsOf(word === "" ? [] : model([word]));
  }

  #idsOf(tokens: readonly string[]): number[] {
    const { tokens_to_ids: ids, unk_token_id: unknown } = this.#library.model;
    return tokens.map((token) => ids.get(token) ?? unknown).filter((id): id is number => id !== undefined);
  }

  /** What the post-processor puts around a text. */
  #surroundings(): [number[], number[]] {
    const text = "\0text";
    const tokens = this.#library.post_processor?.([text], null, true).tokens ?? [text];
    const at = tokens.indexOf(text);
    return [this.#idsOf(tokens.slice(0, at)), this.#idsOf(tokens.slice(at + 1))];
  }
}

const crossing = /[^▁]▁/;

/** Whether no token holds "▁" after another character: then nothing merges across the beginning of a word. */
function noTokenCrossesSpace({ model }: LibraryTokenizer): boolean {
  return model.tokens_to_ids.has("▁") && !model.vocab.some((token) => crossing.test(token));
}

/** Words that begin with their "▁". Merging takes more than linear time in the length of a word. */
function cutAtSpaces(text: string): string[] {
  return text.split(/(?<=[^▁])(?=▁)/u);
}
