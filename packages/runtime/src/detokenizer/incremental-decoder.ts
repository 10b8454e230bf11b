/**
 * Turns tokens into text as they come. The joined outputs are the text of all tokens, however they were
 * cut into calls, and no output ends inside a character. Special tokens have no text.
 */
export interface IncrementalDecoder {
  /** The text that is complete with these tokens; "" while a character is still open. */
  push(tokens: Iterable<number>): string;
  /** Ends the text: a character that stayed incomplete comes out as U+FFFD. */
  flush(): string;
}
