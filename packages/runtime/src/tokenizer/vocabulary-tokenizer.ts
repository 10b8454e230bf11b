import type { Vocabulary } from "@trtllm-node/core";
import type { IncrementalDecoder } from "../detokenizer/incremental-decoder.ts";
import { TokenDecoder, TokenTexts } from "../detokenizer/token-decoder.ts";
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
    this.#texts = new TokenTexts((token) => (special.has(token) ? undefined : pieces[token]?.bytes));
  }

  encode(text: string, options: EncodeOptions): Int32Array {
    return this.#vocabulary.tokenize(text, options);
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
