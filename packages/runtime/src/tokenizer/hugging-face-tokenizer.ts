import type { IncrementalDecoder } from "../detokenizer/incremental-decoder.ts";
import { TokenDecoder, TokenTexts } from "../detokenizer/token-decoder.ts";
import { TokenizerError } from "../errors.ts";
import { createLibraryTokenizer, type LibraryTokenizer } from "./library.ts";
import { createTokenBytes } from "./token-bytes.ts";
import type { EncodeOptions, Tokenizer } from "./tokenizer.ts";
import type { TokenizerFiles } from "./tokenizer-files.ts";
import { TokenizerPipeline } from "./tokenizer-pipeline.ts";

/** The tokenizer of a `tokenizer.json`. */
export class HuggingFaceTokenizer implements Tokenizer {
  readonly endIds: readonly number[];
  readonly bosToken: string;
  readonly eosToken: string;
  readonly chatTemplate: string | undefined;
  readonly #library: LibraryTokenizer;
  readonly #pipeline: TokenizerPipeline;
  readonly #special: ReadonlySet<number>;
  readonly #texts: TokenTexts;

  /**
   * @param chatTemplate used instead of the one in `tokenizer_config.json`
   * @throws TokenizerError: the files describe no tokenizer
   */
  constructor(files: TokenizerFiles, chatTemplate?: string) {
    const { tokenizer, config } = files;
    try {
      this.#library = createLibraryTokenizer(tokenizer);
      this.#pipeline = new TokenizerPipeline(tokenizer, this.#library);
    } catch (error) {
      throw new TokenizerError(
        `tokenizer.json describes a tokenizer that cannot be built: ${(error as Error).message}. ` +
          "Save the model's tokenizer again with a current transformers.",
        { cause: error },
      );
    }
    this.bosToken = specialToken(config.bos_token);
    this.eosToken = specialToken(config.eos_token);
    this.chatTemplate = chatTemplate ?? defaultTemplate(config.chat_template);
    const eosId = this.#library.model.tokens_to_ids.get(this.eosToken);
    this.endIds = [...new Set(eosId === undefined ? files.endIds : [eosId, ...files.endIds])];
    const special = tokenizer.added_tokens.filter((token) => token.special);
    this.#special = new Set([...this.endIds, ...special.map((token) => token.id)]);
    const bytesOf = createTokenBytes(tokenizer, this.#library);
    this.#texts = new TokenTexts((token) => (this.#special.has(token) ? undefined : bytesOf(token)));
  }

  /** One more than the highest token id. */
  get size(): number {
    return this.#library.model.vocab.length;
  }

  encode(text: string, options: EncodeOptions): Int32Array {
    return this.#pipeline.encode(text, options);
  }

  isSpecial(token: number): boolean {
    return this.#special.has(token);
  }

  createDecoder(): IncrementalDecoder {
    return new TokenDecoder(this.#texts);
  }
}

function specialToken(token: TokenizerFiles["config"]["bos_token"]): string {
  return typeof token === "string" ? token : (token?.content ?? "");
}

function defaultTemplate(template: TokenizerFiles["config"]["chat_template"]): string | undefined {
  if (template === undefined || typeof template === "string") return template;
  return template.find(({ name }) => name === "default")?.template;
}
