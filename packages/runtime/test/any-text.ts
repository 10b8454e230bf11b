import fc from "fast-check";

const hard = [
  "👩🏽‍🚀",
  "👨‍👩‍👧‍👦",
  "🇫🇷",
  "e\u0301\u0327",
  "\uFEFF",
  "\uFFFD",
  "𐍈",
  "ﷺ",
  "שָׁלוֹם",
  "\0",
  "\r\n",
  "中文",
];

/** Text of all planes, with emoji sequences, combining marks, byte order marks and replacement characters. */
export const anyText = fc
  .array(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...hard)), { maxLength: 12 })
  .map((parts) => parts.join(""));

/** A list cut into neighbouring parts, of which some may be empty. */
export function cut<T>(list: readonly T[], cuts: readonly number[]): T[][] {
  const at = [0, ...cuts.map((n) => n % (list.length + 1)), list.length].sort((a, b) => a - b);
  return at.slice(1).map((end, index) => list.slice(at[index], end));
}

/** Half of a surrogate pair, which a string has only where a character was split. */
export const loneSurrogate = /\p{Surrogate}/u;
