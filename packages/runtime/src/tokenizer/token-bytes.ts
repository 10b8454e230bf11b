import { ByteLevelAlphabet } from "./byte-level.ts";
import type { LibraryTokenizer } from "./library.ts";
import type { DecoderJson, TokenizerJson } from "./tokenizer-files.ts";

const utf8 = new TextEncoder();
const byteToken = /^<0x([0-9A-Fa-f]{2})>$/;

/**
 * What each token adds to a text that already has begun, in bytes of UTF-8.
 *
 * A decoder of a `tokenizer.json` treats every token for itself, but for two things: byte tokens, which are bytes of
 * one character together, and the beginning of a text, which may lose its space. An answer continues its prompt, so
 * it never is the beginning.
 */
export function createTokenBytes(
  json: TokenizerJson,
  library: LibraryTokenizer,
): (token: number) => Uint8Array | undefined {
  const { vocab } = library.model;
  const added = new Set(json.added_tokens.map(({ id }) => id));
  if (json.decoder?.type === "ByteLevel") {
    return (token) => {
      const text = vocab[token];
      if (text === undefined) return undefined;
      return added.has(token) ? utf8.encode(text) : ByteLevelAlphabet.read(text);
    };
  }
  const hasBytes = includesType(json.decoder, "ByteFallback");
  const begun = vocab.findIndex((text, token) => /^[a-z]$/.test(text) && !added.has(token));
  const decode = (tokens: number[]) => library.decode(tokens, { clean_up_tokenization_spaces: false });
  const before = begun < 0 ? [] : [begun];
  const { length } = begun < 0 ? "" : decode(before);
  return (token) => {
    const text = vocab[token];
    if (text === undefined) return undefined;
    const byte = hasBytes ? byteToken.exec(text) : null;
    return byte
      ? Uint8Array.of(Number.parseInt(byte[1]!, 16))
      : utf8.encode(decode([...before, token]).slice(length));
  };
}

function includesType(decoder: DecoderJson | null, type: string): boolean {
  if (decoder === null) return false;
  return decoder.type === type || (decoder.decoders ?? []).some((part) => includesType(part, type));
}
