import type { IncrementalDecoder } from "../detokenizer/incremental-decoder.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/**
 * A decoder that also gives the text of some special tokens: the marks of reasoning and tool calls, which for many
 * models are special and so without text.
 */
export function createMarkDecoder(tokenizer: Tokenizer, marks: readonly string[]): IncrementalDecoder {
  const decoder = tokenizer.createDecoder();
  const texts = new Map<number, string>();
  for (const mark of marks) {
    const [id, ...more] = tokenizer.encode(mark, { addSpecial: false, parseSpecial: true });
    if (id === undefined || more.length > 0) continue;
    if (tokenizer.isSpecial(id) && !tokenizer.endIds.includes(id)) texts.set(id, mark);
  }
  if (texts.size === 0) return decoder;
  return {
    push(tokens) {
      let text = "";
      for (const token of tokens) {
        const mark = texts.get(token);
        // Nothing behind a mark completes a character before it.
        text += mark === undefined ? decoder.push([token]) : decoder.flush() + mark;
      }
      return text;
    },
    flush: () => decoder.flush(),
  };
}
