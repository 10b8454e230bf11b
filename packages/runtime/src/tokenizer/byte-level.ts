/**
 * Byte-level BPE writes each byte as one printable character: bytes that are printable in Latin-1 as
 * themselves, the others as the characters from U+0100 on, in order.
 */
const byteOfCharacter: ReadonlyMap<string, number> = new Map(
  (function* () {
    let next = 0x100;
    for (let byte = 0; byte < 0x100; byte++) {
      const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
      yield [String.fromCodePoint(printable ? byte : next++), byte] as const;
    }
  })(),
);

const utf8 = new TextEncoder();

/** The bytes of a byte-level token; text that is not written that way stands for itself. */
export function byteLevelBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = byteOfCharacter.get(token[i]!);
    if (byte === undefined) return utf8.encode(token);
    bytes[i] = byte;
  }
  return bytes;
}
