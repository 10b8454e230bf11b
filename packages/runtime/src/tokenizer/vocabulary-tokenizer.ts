import { AbortedError, type Vocabulary } from "@trtllm-node/core";
import type { IncrementalDecoder } from "../detokenizer/incremental-decoder.ts";
import { TokenDecoder, TokenTexts } from "../detokenizer/token-decoder.ts";
import { AddedTokens } from "./added-tokens.ts";
import type { EncodeOptions, Tokenizer } from "./tokenizer.ts";

/** The tokenizer that an engine carries in itself. */
export class VocabularyTokenizer implements Tokenizer {
  readonly endIds: readonly number[];
  readonly bosToken: string;
  readonly eosToken: string;
  readonly chatTemplate: string | undefined;
  readonly #vocabulary: Vocabulary;
  readonly #special: ReadonlySet<number>;
  readonly #texts: TokenTexts;
  readonly #specialTexts: AddedTokens;

  /** @param chatTemplate used instead of the vocabulary's own */
  constructor(vocabulary: Vocabulary, chatTemplate = vocabulary.chatTemplate) {
    const { eosId, endIds, bosId, pieces } = vocabulary;
    this.#vocabulary = vocabulary;
    this.endIds = eosId === undefined ? endIds : [eosId, ...endIds.filter((id) => id !== eosId)];
    this.bosToken = pieceText(vocabulary, bosId);
    this.eosToken = pieceText(vocabulary, eosId);
    this.chatTemplate = chatTemplate;
    const special = new Set(this.endIds);
    pieces.forEach((piece, id) => {
      if (piece.control) special.add(id);
    });
    this.#special = special;
    this.#specialTexts = new AddedTokens(
      Array.from(special, (id) => ({ id, content: pieceText(vocabulary, id), special: true })),
    );
    this.#texts = new TokenTexts((token) => (special.has(token) ? undefined : pieces[token]?.bytes));
  }

  encode(text: string, options: EncodeOptions): Int32Array {
    return this.#vocabulary.tokenize(text, options);
  }

  async encodeAsync(text: string, options: EncodeOptions, signal?: AbortSignal): Promise<Int32Array> {
    const tokens = await this.#vocabulary.tokenizeAsync(text, options);
    if (!signal?.aborted) return tokens;
    throw new AbortedError("The request was aborted by its signal.", { cause: signal.reason });
  }

  containsSpecial(text: string): boolean {
    return this.#specialTexts.split(text, true).some((section) => typeof section === "number");
  }

  isSpecial(token: number): boolean {
    return this.#special.has(token);
  }

  createDecoder(): IncrementalDecoder {
    return new TokenDecoder(this.#texts);
  }
}

function pieceText({ pieces }: Vocabulary, id: number | undefined): string {
  const piece = id === undefined ? undefined : pieces[id];
  return piece === undefined ? "" : new TextDecoder().decode(piece.bytes);
}
