import { ByteDecoder } from "../detokenizer/byte-decoder.ts";
import type { IncrementalDecoder } from "../detokenizer/incremental-decoder.ts";
import { WindowDecoder } from "../detokenizer/window-decoder.ts";
import { byteLevelBytes } from "./byte-level.ts";
import { createFastTokenizer, type FastTokenizer } from "./fast-tokenizer.ts";
import type { EncodeOptions, Tokenizer } from "./tokenizer.ts";
import type { TokenizerFiles } from "./tokenizer-files.ts";

/** The tokenizer of a `tokenizer.json`. */
export class HuggingFaceTokenizer implements Tokenizer {
  readonly endIds: readonly number[];
  readonly bosToken: string;
  readonly eosToken: string;
  readonly chatTemplate: string | undefined;
  readonly #files: TokenizerFiles;
  readonly #fast: FastTokenizer;
  readonly #added: ReadonlyMap<number, string>;
  readonly #special: ReadonlySet<number>;
  readonly #bytes: Uint8Array[] = [];
  #literal: FastTokenizer | undefined;

  /**
   * @param chatTemplate used instead of the one in `tokenizer_config.json`
   * @throws TokenizerError: the files describe no tokenizer
   */
  constructor(files: TokenizerFiles, chatTemplate?: string) {
    const { tokenizer, config } = files;
    this.#files = files;
    this.#fast = createFastTokenizer(tokenizer, config);
    this.bosToken = specialToken(config.bos_token);
    this.eosToken = specialToken(config.eos_token);
    this.chatTemplate = chatTemplate ?? defaultTemplate(config.chat_template);
    const eosId = this.#fast.token_to_id(this.eosToken);
    this.endIds = [...new Set(eosId === undefined ? files.endIds : [eosId, ...files.endIds])];
    this.#added = new Map(tokenizer.added_tokens.map(({ id, content }) => [id, content]));
    const special = tokenizer.added_tokens.filter((token) => token.special);
    this.#special = new Set([...this.endIds, ...special.map((token) => token.id)]);
  }

  /** One more than the highest token id. */
  get size(): number {
    return this.#fast.model.vocab.length;
  }

  encode(text: string, { addSpecial, parseSpecial }: EncodeOptions): Int32Array {
    const tokenizer = parseSpecial ? this.#fast : this.#literalTokenizer();
    return Int32Array.from(tokenizer.encode(text, { add_special_tokens: addSpecial }).ids);
  }

  isSpecial(token: number): boolean {
    return this.#special.has(token);
  }

  createDecoder(): IncrementalDecoder {
    if (this.#files.tokenizer.decoder?.type === "ByteLevel") {
      return new ByteDecoder((token) => this.#bytesOf(token));
    }
    return new WindowDecoder(
      (tokens) => this.#fast.decode(tokens, { clean_up_tokenization_spaces: false }),
      (token) => !this.#special.has(token) && this.#fast.id_to_token(token) !== undefined,
      this.#fast.encode("a", { add_special_tokens: false }).ids,
    );
  }

  #bytesOf(token: number): Uint8Array | undefined {
    if (this.#special.has(token)) return undefined;
    const known = this.#bytes[token];
    if (known !== undefined) return known;
    const text = this.#fast.id_to_token(token);
    if (text === undefined) return undefined;
    const bytes = this.#added.has(token) ? new TextEncoder().encode(text) : byteLevelBytes(text);
    this.#bytes[token] = bytes;
    return bytes;
  }

  /** The library always reads special tokens in a text; one that shall not must not know them. */
  #literalTokenizer(): FastTokenizer {
    if (this.#literal !== undefined) return this.#literal;
    const { tokenizer, config } = this.#files;
    const added = tokenizer.added_tokens.filter((token) => !token.special);
    const literal = createFastTokenizer({ ...tokenizer, added_tokens: added }, config);
    // The post-processor, which puts BOS in front, still looks them up.
    for (const { id, content } of tokenizer.added_tokens) literal.model.tokens_to_ids.set(content, id);
    this.#literal = literal;
    return literal;
  }
}

function specialToken(token: TokenizerFiles["config"]["bos_token"]): string {
  return typeof token === "string" ? token : (token?.content ?? "");
}

function defaultTemplate(template: TokenizerFiles["config"]["chat_template"]): string | undefined {
  if (template === undefined || typeof template === "string") return template;
  return template.find(({ name }) => name === "default")?.template;
}
