export function concatTokens(parts: readonly Int32Array[]): Int32Array {
  const [first, ...rest] = parts;
  if (first !== undefined && rest.length === 0) return first;
  const tokens = new Int32Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    tokens.set(part, offset);
    offset += part.length;
  }
  return tokens;
}
