import { InvalidRequestError } from "@trtllm-node/core";
import type { GenerateOptions } from "../generate-options.ts";
import type { GenerationResult } from "../generation-result.ts";

export interface SeveralOptions extends GenerateOptions {
  /** How many answers; at least 1. Answer i is drawn with `seed` + i. */
  readonly n: number;
  /** Make so many, and give the `n` with the highest mean log-probability of a token. Default: `n`. */
  readonly bestOf?: number | undefined;
}

/**
 * How many answers to make, and with which options.
 * @throws InvalidRequestError: counts out of range, or several answers that would all be the same
 */
export function severalAnswers({ n, bestOf = n, ...options }: SeveralOptions): {
  readonly count: number;
  readonly options: GenerateOptions;
} {
  if (!(Number.isInteger(n) && n > 0 && Number.isInteger(bestOf) && bestOf >= n)) {
    throw new InvalidRequestError(
      `n is ${n} and bestOf ${bestOf}. Both are whole numbers, and 1 <= n <= bestOf.`,
    );
  }
  const { temperature = 0, beamWidth = 1 } = options;
  if (beamWidth > 1 && bestOf > n) {
    throw new InvalidRequestError(
      "The beams of a search are its best already: leave bestOf or beamWidth out.",
    );
  }
  if (bestOf > 1 && temperature === 0 && beamWidth === 1) {
    throw new InvalidRequestError(
      `Without a temperature all ${bestOf} answers would be the same. Give one above 0, or ask for one answer.`,
    );
  }
  return { count: bestOf, options: bestOf > n ? { ...options, logProbs: true } : options };
}

/** The `n` with the highest mean log-probability of a token, the best first. */
export function bestAnswers<Answer extends Pick<GenerationResult, "logProbs">>(
  answers: readonly Answer[],
  n: number,
): Answer[] {
  return answers.toSorted((a, b) => meanLogProb(b) - meanLogProb(a)).slice(0, n);
}

function meanLogProb({ logProbs = new Float32Array(0) }: Pick<GenerationResult, "logProbs">): number {
  return logProbs.length === 0
    ? Number.NEGATIVE_INFINITY
    : logProbs.reduce((sum, p) => sum + p, 0) / logProbs.length;
}
