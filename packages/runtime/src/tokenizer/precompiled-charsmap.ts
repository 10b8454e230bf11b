/**
 * The normalization that SentencePiece compiles into its models: a double-array trie (darts-clone) from UTF-8 bytes
 * to offsets into a list of NUL-terminated replacements.
 */
export class PrecompiledCharsmap {
  readonly #units: Uint32Array;
  readonly #replacements: Uint8Array;
  readonly #graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
  readonly #known = new Map<string, string>();

  /** @throws RangeError: cut off */
  constructor(base64: string) {
    const bytes = Buffer.from(base64, "base64");
    const size = bytes.readUInt32LE(0);
    this.#units = new Uint32Array(Uint8Array.from(bytes.subarray(4, 4 + size)).buffer);
    this.#replacements = bytes.subarray(4 + size);
  }

  normalize(text: string): string {
    let normalized = "";
    for (const { segment } of this.#graphemes.segment(text)) {
      let replaced = this.#known.get(segment);
      if (replaced === undefined) {
        replaced = this.#normalizeGrapheme(segment);
        if (this.#known.size < 10_000) this.#known.set(segment, replaced);
      }
      normalized += replaced;
    }
    return normalized;
  }

  #normalizeGrapheme(grapheme: string): string {
    // The limit of the tokenizers library: no rule is for a longer one.
    const whole = Buffer.byteLength(grapheme) < 6 ? this.#replacementOf(grapheme) : undefined;
    if (whole !== undefined) return whole;
    return Array.from(grapheme, (character) => this.#replacementOf(character) ?? character).join("");
  }

  /** For the shortest beginning that has one, as the tokenizers library does it. */
  #replacementOf(text: string): string | undefined {
    let position = offset(this.#units[0] ?? 0);
    for (const byte of Buffer.from(text)) {
      position ^= byte;
      const unit = this.#units[position] ?? 0;
      if (byte === 0 || (unit & 0x8000_00ff) >>> 0 !== byte) return undefined;
      position ^= offset(unit);
      if ((unit >>> 8) & 1) return this.#replacementAt((this.#units[position] ?? 0) & 0x7fff_ffff);
    }
    return undefined;
  }

  #replacementAt(start: number): string {
    const end = this.#replacements.indexOf(0, start);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      this.#replacements.subarray(start, end < 0 ? undefined : end),
    );
  }
}

function offset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
