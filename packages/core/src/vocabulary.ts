import type { TokenizeOptions, TokenPiece, Vocabulary } from "./executor-like.ts";
import { tokenizeFlags } from "./native/declarations.ts";

/** Of the READY record. */
export interface VocabularyFacts {
  readonly size: number;
  readonly bosId: number | null;
  readonly eosId: number | null;
  readonly endIds: readonly number[];
  readonly addBos: boolean;
  readonly chatTemplate: string | null;
}

/** The native calls, as closures that hold the executor for as long as its vocabulary is in use. */
export interface VocabularySource {
  tokenize(text: Buffer, flags: number): Int32Array;
  tokenizeAsync(text: Buffer, flags: number): Promise<Int32Array>;
  tokenPieces(): Buffer;
}

export class EngineVocabulary implements Vocabulary {
  readonly size: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly endIds: readonly number[];
  readonly addBos: boolean;
  readonly chatTemplate: string | undefined;
  readonly #source: VocabularySource;
  #pieces: readonly TokenPiece[] | undefined;

  constructor(facts: VocabularyFacts, source: VocabularySource) {
    this.size = facts.size;
    this.bosId = facts.bosId ?? undefined;
    this.eosId = facts.eosId ?? undefined;
    this.endIds = facts.endIds;
    this.addBos = facts.addBos;
    this.chatTemplate = facts.chatTemplate ?? undefined;
    this.#source = source;
  }

  tokenize(text: string, options: TokenizeOptions = {}): Int32Array {
    return this.#source.tokenize(utf8(text), flagsOf(options));
  }

  async tokenizeAsync(text: string, options: TokenizeOptions = {}): Promise<Int32Array> {
    return this.#source.tokenizeAsync(utf8(text), flagsOf(options));
  }

  get pieces(): readonly TokenPiece[] {
    this.#pieces ??= decodePieces(this.#source.tokenPieces());
    return this.#pieces;
  }
}

/** A lone surrogate becomes U+FFFD: what goes in is well-formed UTF-8. */
function utf8(text: string): Buffer {
  return Buffer.from(text);
}

function flagsOf({ addSpecial = true, parseSpecial = false }: TokenizeOptions): number {
  return (addSpecial ? tokenizeFlags.addSpecial : 0) | (parseSpecial ? tokenizeFlags.parseSpecial : 0);
}

/** Views on `bytes`: per token uint16 length, uint8 control, then the piece. */
export function decodePieces(bytes: Buffer): TokenPiece[] {
  const pieces: TokenPiece[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const start = offset + 3;
    const end = start + bytes.readUInt16LE(offset);
    pieces.push({ bytes: bytes.subarray(start, end), control: bytes[offset + 2] === 1 });
    offset = end;
  }
  return pieces;
}
