import type { GenerationResult, Tokenizer } from "@trtllm-node/runtime";

interface TokenLogProb {
  /** U+FFFD where the token is a part of a character, "" where it has no text. */
  readonly token: string;
  /** Of its text; `null` for a part of a character. */
  readonly bytes: readonly number[] | null;
  readonly logprob: number;
}

interface ChosenLogProb extends TokenLogProb {
  /** Best first. */
  readonly top_logprobs: readonly TokenLogProb[];
}

/** What OpenAI tells of tokens that are all but impossible; JSON has no infinity. */
const least = -9999;

/** One per generated token; `undefined` where they were not asked for. */
export function tokenLogProbs(
  { tokens, logProbs, topLogProbs }: Pick<GenerationResult, "tokens" | "logProbs" | "topLogProbs">,
  tokenizer: Tokenizer,
): readonly ChosenLogProb[] | undefined {
  if (logProbs === undefined) return undefined;
  return Array.from(tokens, (token, at) => {
    const { perToken = 0, tokens: others, logProbs: theirs } = topLogProbs ?? {};
    const top = Array.from({ length: perToken }, (_, rank) => at * perToken + rank)
      .filter((index) => others![index] !== -1)
      .map((index) => describe(others![index]!, theirs![index]!, tokenizer));
    return { ...describe(token, logProbs[at]!, tokenizer), top_logprobs: top };
  });
}

/** As completions have them. */
export function completionLogProbs(chosen: readonly ChosenLogProb[]): object {
  let offset = 0;
  return {
    tokens: chosen.map(({ token }) => token),
    token_logprobs: chosen.map(({ logprob }) => logprob),
    top_logprobs: chosen.map(({ top_logprobs }) =>
      Object.fromEntries(top_logprobs.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: chosen.map(({ token }) => {
      const start = offset;
      offset += token.length;
      return start;
    }),
  };
}

function describe(id: number, logProb: number, tokenizer: Tokenizer): TokenLogProb {
  const decoder = tokenizer.createDecoder();
  const token = decoder.push([id]) + decoder.flush();
  const bytes = token.includes("\uFFFD") ? null : [...new TextEncoder().encode(token)];
  return { token, bytes, logprob: Math.max(logProb, least) };
}
