import type { Tokenizer, ToldTokens } from "@trtllm-node/runtime";

interface TokenLogProb {
  /** U+FFFD where the token is a part of a character, "" where it has no text. */
  readonly token: string;
  /** Of its text; `null` for a part of a character. */
  readonly bytes: readonly number[] | null;
  readonly logprob: number;
}

export interface ChosenLogProb extends TokenLogProb {
  /** Best first. */
  readonly top_logprobs: readonly TokenLogProb[];
}

/** What OpenAI tells of tokens that are all but impossible; JSON has no infinity. */
const least = -9999;

/** Tells of each token of an answer once. */
export class TokenTeller {
  readonly #tokenizer: Tokenizer;
  #untold: ChosenLogProb[] = [];
  #seen = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** What came with a piece. */
  add(tokens: ToldTokens | undefined): void {
    const told = tokens && tokenLogProbs(tokens, this.#tokenizer);
    if (told === undefined) return;
    this.#seen += told.length;
    this.#untold.push(...told);
  }

  /** Since the last time; `undefined` where there are none. */
  take(): readonly ChosenLogProb[] | undefined {
    const told = this.#untold;
    this.#untold = [];
    return told.length > 0 ? told : undefined;
  }

  /** Also those that came with no piece. */
  takeRest(all: ToldTokens): readonly ChosenLogProb[] | undefined {
    this.#untold.push(...(tokenLogProbs(all, this.#tokenizer, this.#seen) ?? []));
    return this.take();
  }
}

/** One per generated token, from the one at `from` on; `undefined` where they were not asked for. */
export function tokenLogProbs(
  { tokens, logProbs, topLogProbs }: ToldTokens,
  tokenizer: Tokenizer,
  from = 0,
): readonly ChosenLogProb[] | undefined {
  if (logProbs === undefined) return undefined;
  return Array.from(tokens.subarray(from), (token, index) => {
    const at = from + index;
    const { perToken = 0, tokens: others, logProbs: theirs } = topLogProbs ?? {};
    const top = Array.from({ length: perToken }, (_, rank) => at * perToken + rank)
      .filter((index) => others![index] !== -1)
      .map((index) => describe(others![index]!, theirs![index]!, tokenizer));
    return { ...describe(token, logProbs[at]!, tokenizer), top_logprobs: top };
  });
}

/**
 * As completions have them.
 * @param start characters of the answer's tokens before them
 */
export function completionLogProbs(chosen: readonly ChosenLogProb[], start = 0): object {
  let offset = start;
  return {
    tokens: chosen.map(({ token }) => token),
    token_logprobs: chosen.map(({ logprob }) => logprob),
    top_logprobs: chosen.map(({ top_logprobs }) =>
      Object.fromEntries(top_logprobs.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: chosen.map(({ token }) => {
      const at = offset;
      offset += token.length;
      return at;
    }),
  };
}

function describe(id: number, logProb: number, tokenizer: Tokenizer): TokenLogProb {
  const decoder = tokenizer.createDecoder();
  const token = decoder.push([id]) + decoder.flush();
  const bytes = token.includes("\uFFFD") ? null : [...new TextEncoder().encode(token)];
  return { token, bytes, logprob: Math.max(logProb, least) };
}
