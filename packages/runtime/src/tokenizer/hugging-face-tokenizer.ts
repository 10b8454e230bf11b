import type { IncrementalDecoder } from "../detokenizer/incremental-decoder.ts";
import { TokenDecoder, TokenTexts } from "../detokenizer/token-decoder.ts";
import { TokenizerError } from "../errors.ts";
import { withinTimeLimit } from "../time-limit.ts";
import { EncoderThread } from "./encoder-thread.ts";
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
  readonly #json: Uint8Array;
  #thread: EncoderThread | undefined;

  /**
   * @param chatTemplate used instead of the one in `tokenizer_config.json`
   * @throws TokenizerError: the files describe no tokenizer
   */
  constructor(files: TokenizerFiles, chatTemplate?: string) {
    const { tokenizer, config, endIds, json } = files;
    this.#json = json;
    try {
      const library = files.library ?? createLibraryTokenizer(tokenizer);
      this.#library = library;
      this.bosToken = specialToken(config.bos_token);
      this.eosToken = specialToken(config.eos_token);
      this.chatTemplate = chatTemplate ?? defaultTemplate(config.chat_template);
      const eosId = library.model.tokens_to_ids.get(this.eosToken);
      this.endIds = [...new Set(eosId === undefined ? endIds : [eosId, ...endIds])];
      const special = tokenizer.added_tokens.filter((token) => token.special);
      this.#special = new Set([...this.endIds, ...special.map((token) => token.id)]);
      // Runs patterns and normalizers of the model.
      const [pipeline, bytesOf] = withinTimeLimit(
        () => [new TokenizerPipeline(tokenizer, library), createTokenBytes(tokenizer, library)] as const,
      );
      this.#pipeline = pipeline;
      this.#texts = new TokenTexts((token) => (this.#special.has(token) ? undefined : bytesOf(token)));
    } catch (error) {
      throw new TokenizerError(
        `tokenizer.json describes a tokenizer that cannot be built: ${(error as Error).message}. ` +
          "Save the model's tokenizer again with a current transformers.",
        { cause: error },
      );
    }
  }

  /** One more than the highest token id. */
  get size(): number {
    return this.#library.model.vocab.length;
  }

  encode(text: string, options: EncodeOptions): Int32Array {
    return this.#pipeline.encode(text, options);
  }

  encodeAsync(text: string, options: EncodeOptions, signal?: AbortSignal): Promise<Int32Array> {
    this.#thread ??= new EncoderThread({ json: this.#json });
    return this.#thread.encode(text, options, signal);
  }

  containsSpecial(text: string): boolean {
    return this.#pipeline.containsSpecial(text);
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
