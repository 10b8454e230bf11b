// Unicode's White_Space, as the tokenizers library of Hugging Face has it. JavaScript's \s lacks U+0085 and has U+FEFF.
const whiteSpace = /\p{White_Space}/u;

/** Where the white space that ends `text[from, to)` begins. */
export function trailingSpaceStart(text: string, from: number, to: number): number {
  while (to > from && whiteSpace.test(text[to - 1]!)) to--;
  return to;
}

/** Where the white space that begins `text[from...]` ends. */
export function leadingSpaceEnd(text: string, from: number): number {
  while (from < text.length && whiteSpace.test(text[from]!)) from++;
  return from;
}
