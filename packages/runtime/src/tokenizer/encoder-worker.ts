import { parentPort, workerData } from "node:worker_threads";
import { createLibraryTokenizer } from "./library.ts";
import type { EncodeOptions } from "./tokenizer.ts";
import type { TokenizerJson } from "./tokenizer-files.ts";
import { type TokenizerPart, tokenizerParts } from "./tokenizer-parts.ts";
import { TokenizerPipeline } from "./tokenizer-pipeline.ts";

/** What a thread is started with. */
export interface EncoderData {
  /** The text of `tokenizer.json` in UTF-8, in memory that all threads share. */
  readonly json: Uint8Array;
}

export interface EncoderRequest {
  readonly text: string;
  readonly options: EncodeOptions;
}

export type EncoderAnswer = { readonly tokens: Int32Array<ArrayBuffer> } | { readonly error: string };

/** For the next part of the tokenizer itself. */
export interface PartRequest {
  readonly next: true;
}

const { json } = workerData as EncoderData;
let parts: Generator<TokenizerPart, TokenizerPart> | undefined;
let pipeline: TokenizerPipeline | undefined;

function createPipeline(): TokenizerPipeline {
  const description = JSON.parse(Buffer.from(json).toString()) as TokenizerJson;
  return new TokenizerPipeline(description, createLibraryTokenizer(description));
}

parentPort!.on("message", (request: EncoderRequest | PartRequest) => {
  try {
    if ("next" in request) {
      parts ??= tokenizerParts(Buffer.from(json).toString());
      parentPort!.postMessage(parts.next().value satisfies TokenizerPart);
      return;
    }
    const { text, options } = request;
    pipeline ??= createPipeline();
    const tokens = pipeline.encode(text, options);
    parentPort!.postMessage({ tokens } satisfies EncoderAnswer, [tokens.buffer]);
  } catch (error) {
    parentPort!.postMessage({ error: (error as Error).message } satisfies EncoderAnswer);
  }
});
