import { createHmac, type KeyObject } from "node:crypto";

/**
 * Numbers the whole blocks of a prompt: number i stands for block i and all before it. Without the key nobody can tell
 * which tokens a number stands for, or whether two files speak of the same prompt.
 * @param key of the keyed hash (HMAC-SHA-256, of which 48 bits are kept)
 * @returns `floor(prompt.length / blockTokens)` numbers
 */
export function prefixHashes(
  prompt: Int32Array | readonly number[],
  blockTokens: number,
  key: KeyObject,
): number[] {
  const tokens = Int32Array.from(prompt);
  const hashes: number[] = [];
  let before = Buffer.alloc(0);
  for (let end = blockTokens; end <= tokens.length; end += blockTokens) {
    const block = tokens.subarray(end - blockTokens, end);
    const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
    before = createHmac("sha256", key).update(before).update(bytes).digest();
    hashes.push(before.readUIntBE(0, 6));
  }
  return hashes;
}
