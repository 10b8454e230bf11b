/**
 * Byte-level BPE writes each byte as one printable character: bytes that are printable in Latin-1 as
 * themselves, the others as the characters from U+0100 on, in order.
 */
const characters: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 0x100 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCodePoint(printable ? byte : next++);
  });
})();
const bytes: ReadonlyMap<string, number> = new Map(characters.map((character, byte) => [character, byte]));

const utf8 = new TextEncoder();

export const ByteLevelAlphabet = {
  write(text: string): string {
    let written = "";
    for (const byte of utf8.encode(text)) written += characters[byte];
    return written;
  },

  /** The bytes of a token; text that is not written that way stands for itself. */
  read(token: string): Uint8Array {
    const read = new Uint8Array(token.length);
    for (let i = 0; i < token.length; i++) {
      const byte = bytes.get(token[i]!);
      if (byte === undefined) return utf8.encode(token);
      read[i] = byte;
    }
    return read;
  },
};
