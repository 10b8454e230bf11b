import { InvalidRequestError, type TokenChunk, type TokenStream } from "@trtllm-node/core";
import type { IncrementalDecoder } from "../detokenizer/incremental-decoder.ts";
import { type GenerationResult, type PromptInfo, toGenerationResult } from "../generation-result.ts";
import { GenerationStream, textsOf } from "./generation-stream.ts";
import { joinChunks, type ToldTokens } from "./join-chunks.ts";
import { PullQueue } from "./pull-queue.ts";
import { StopMatcher } from "./stop-matcher.ts";

/** The tokens are those since the last chunk. Tokens after the last text, such as an end token, are in no chunk. */
export interface TextChunk extends ToldTokens {
  /** Whole characters, at least one. The chunks' texts joined are the text of the result. */
  readonly text: string;
}

/** How the tokens of one answer become its text. */
export interface TextDecoding {
  readonly createDecoder: () => IncrementalDecoder;
  readonly stop: readonly string[];
}

/** The text of one answer as it is made. */
export class TextStream extends GenerationStream<TextChunk, GenerationResult> {
  readonly #source: TokenStream;
  readonly #decoding: TextDecoding;
  readonly #prompt: PromptInfo;
  readonly #decoder: IncrementalDecoder;
  readonly #matcher: StopMatcher;
  readonly #queue: PullQueue<TextChunk>;
  #tokens: AsyncIterator<TokenChunk> | undefined;
  #held: TokenChunk[] = [];
  #iterated = false;
  #result: Promise<GenerationResult> | undefined;

  constructor(source: TokenStream, decoding: TextDecoding, prompt: PromptInfo) {
    super();
    this.#source = source;
    this.#decoding = decoding;
    this.#prompt = prompt;
    this.#decoder = decoding.createDecoder();
    this.#matcher = new StopMatcher(decoding.stop);
    this.#queue = new PullQueue(() => this.#read());
  }

  get result(): Promise<GenerationResult> {
    if (this.#result === undefined) {
      this.#result = this.#wholeResult();
      // Who iterates gets the error there; a result that nobody awaits must not end the process.
      this.#result.catch(() => {});
    }
    return this.#result;
  }

  cancel(): void {
    this.#source.cancel();
  }

  [Symbol.asyncIterator](): AsyncIterator<TextChunk, undefined> {
    if (this.#iterated) {
      throw new InvalidRequestError("A stream can be iterated once. Await its result for the whole text.");
    }
    this.#iterated = true;
    return this.#queue.iterator(() => this.#iterator.return?.());
  }

  get textStream(): AsyncIterable<string> {
    return textsOf(this, (chunk) => chunk.text);
  }

  get #iterator(): AsyncIterator<TokenChunk> {
    this.#tokens ??= this.#source[Symbol.asyncIterator]();
    return this.#tokens;
  }

  async #read(): Promise<TextChunk[] | undefined> {
    if (this.#matcher.matched !== undefined) return undefined;
    const { done, value } = await this.#iterator.next();
    if (!done) this.#held.push(value);
    const decoded = done ? this.#decoder.flush() : this.#decoder.push(value.tokens);
    const text = this.#matcher.push(decoded) + (done ? this.#matcher.flush() : "");
    // Cancels: the text has its end, whatever the model would still say.
    if (this.#matcher.matched !== undefined) await this.#iterator.return?.();
    if (text === "") return done ? undefined : [];
    const told = this.#held.length > 0 ? joinChunks(this.#held) : { tokens: new Int32Array() };
    this.#held = [];
    return [{ text, ...told }];
  }

  async #wholeResult(): Promise<GenerationResult> {
    // Without stop strings nothing here has to see the tokens before all are there.
    if (this.#decoding.stop.length > 0) await this.#queue.drain();
    const result = await this.#source.result;
    const answer = decodeAnswer(result.tokens, this.#decoding);
    return toGenerationResult(result, answer, this.#prompt);
  }
}

/** The text of all tokens, up to the first stop string. */
export function decodeAnswer(
  tokens: Int32Array,
  { createDecoder, stop }: TextDecoding,
): { readonly text: string; readonly stopString: string | undefined } {
  const decoder = createDecoder();
  const matcher = new StopMatcher(stop);
  const text = matcher.push(decoder.push(tokens) + decoder.flush()) + matcher.flush();
  return { text, stopString: matcher.matched };
}
