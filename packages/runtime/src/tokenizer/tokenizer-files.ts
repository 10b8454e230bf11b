import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { TokenizerError } from "../errors.ts";
import type { LibraryTokenizer } from "./library.ts";
import { loadInParts } from "./load-in-parts.ts";

/** What is used of `tokenizer.json` here. */
export interface TokenizerJson {
  readonly added_tokens: readonly AddedTokenJson[];
  readonly normalizer: NormalizerJson | null;
  readonly pre_tokenizer: PreTokenizerJson | null;
  readonly model: { readonly type?: string; readonly ignore_merges?: boolean };
  readonly decoder: DecoderJson | null;
}

export interface NormalizerJson {
  readonly type: string;
  /** Of a "Sequence". */
  readonly normalizers?: readonly NormalizerJson[];
  /** Of "Precompiled". */
  readonly precompiled_charsmap?: string;
  /** Of "Prepend". */
  readonly prepend?: string;
  /** Of "Strip". */
  readonly strip_left?: boolean;
  readonly strip_right?: boolean;
  /** Of "BertNormalizer". */
  readonly clean_text?: boolean;
  readonly handle_chinese_chars?: boolean;
  readonly strip_accents?: boolean | null;
  readonly lowercase?: boolean;
}

export interface PreTokenizerJson {
  readonly type: string;
  /** Of a "Sequence". */
  readonly pretokenizers?: readonly PreTokenizerJson[];
  /** Of "Split" and "Punctuation". */
  readonly pattern?: PatternJson;
  readonly behavior?: string;
  readonly invert?: boolean;
  /** Of "Digits". */
  readonly individual_digits?: boolean;
  /** Of "ByteLevel". */
  readonly add_prefix_space?: boolean;
  readonly use_regex?: boolean;
  /** Of "Metaspace". */
  readonly replacement?: string;
  readonly prepend_scheme?: string;
  readonly split?: boolean;
}

export type PatternJson = { readonly Regex: string } | { readonly String: string };

export interface DecoderJson {
  readonly type: string;
  /** Of a "Sequence". */
  readonly decoders?: readonly DecoderJson[];
}

export interface AddedTokenJson {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  /** Looked for in the normalized text. */
  readonly normalized?: boolean;
  /** Only where no letter is beside it. */
  readonly single_word?: boolean;
  /** Takes the white space before, or after it. */
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
}

/** What is used of `tokenizer_config.json`. */
export interface TokenizerConfigJson {
  readonly bos_token?: SpecialTokenJson;
  readonly eos_token?: SpecialTokenJson;
  readonly chat_template?: string | readonly { readonly name: string; readonly template: string }[];
}

type SpecialTokenJson = string | { readonly content: string } | null;

export interface TokenizerFiles {
  readonly tokenizer: TokenizerJson;
  /** Built already, where `tokenizer` has no vocabulary and no merges. */
  readonly library?: LibraryTokenizer | undefined;
  /** The bytes of `tokenizer.json`, in memory that threads can share. */
  readonly json: Uint8Array;
  readonly config: TokenizerConfigJson;
  /** `eos_token_id` of `generation_config.json`. */
  readonly endIds: readonly number[];
}

/** Reads the Hugging Face tokenizer files of a directory; `undefined` where it has no `tokenizer.json`. */
export async function readTokenizerFiles(directory: string): Promise<TokenizerFiles | undefined> {
  const bytes = await readBytes(directory, "tokenizer.json");
  if (bytes === undefined) return undefined;
  const json = shareable(bytes);
  const loaded = json.length > mostInline ? await loadInParts(json) : undefined;
  const tokenizer: Partial<TokenizerJson> =
    loaded?.description ?? parseJson(join(directory, "tokenizer.json"), bytes.toString());
  if (!Array.isArray(tokenizer.added_tokens) || typeof tokenizer.model !== "object") {
    throw new TokenizerError(
      `${join(directory, "tokenizer.json")} has no "model" or no "added_tokens": it is not a fast tokenizer of ` +
        "Hugging Face transformers. Save the model's tokenizer again with save_pretrained().",
    );
  }
  const generation = await readJson(directory, "generation_config.json");
  const endIds = [generation?.eos_token_id ?? []].flat();
  return {
    tokenizer: tokenizer as TokenizerJson,
    library: loaded?.library,
    json,
    config: (await readJson(directory, "tokenizer_config.json")) ?? {},
    endIds: endIds.filter((id): id is number => Number.isInteger(id)),
  };
}

/** Bytes that are parsed on the event loop, in some 10 milliseconds. */
const mostInline = 2 ** 20;
/** The largest published ones have about 35 MB. */
const largestFile = 64 * 2 ** 20;

/** Text of a file, or `undefined` where there is none. */
export async function readOptional(directory: string, name: string): Promise<string | undefined> {
  return (await readBytes(directory, name))?.toString();
}

async function readJson(directory: string, name: string): Promise<Record<string, unknown> | undefined> {
  const text = await readOptional(directory, name);
  return text === undefined ? undefined : parseJson(join(directory, name), text);
}

async function readBytes(directory: string, name: string): Promise<Buffer | undefined> {
  const path = join(directory, name);
  try {
    const { size } = await stat(path);
    if (size > largestFile) {
      throw new TokenizerError(
        `${path} has ${size} bytes, more than ${largestFile}: no tokenizer is that large. Copy it from the model again.`,
      );
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof TokenizerError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new TokenizerError(`Cannot read ${path} (${code}). Make it a readable file.`, { cause: error });
  }
}

function parseJson(path: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TokenizerError(`${path} is not valid JSON. Copy it from the model again.`, { cause: error });
  }
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new TokenizerError(`${path} is not a JSON object. Copy it from the model again.`);
}

function shareable(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}
