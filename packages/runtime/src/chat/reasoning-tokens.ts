import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ChatResult } from "./chat-stream.ts";

/**
 * How many of an answer's tokens were written until its reasoning was complete, with a mark that opens it.
 * `undefined` where the answer reasons in several places.
 */
export function reasoningTokens(
  { reasoning, tokens }: Pick<ChatResult, "reasoning" | "tokens">,
  tokenizer: Pick<Tokenizer, "createDecoder">,
): number | undefined {
  if (reasoning === "") return 0;
  const decoder = tokenizer.createDecoder();
  let text = "";
  // A token is counted once the text that it completes is there.
  const lengths = [...tokens].map((token) => {
    text += decoder.push([token]);
    return text.length;
  });
  const opener = /^\s*(?:<[\w:]+>|\[THINK\])?/.exec(text)![0];
  const start = text.indexOf(reasoning, opener.length);
  const count = lengths.findIndex((length) => length >= start + reasoning.length) + 1;
  return start === -1 || count === 0 ? undefined : count;
}
