import { InvalidRequestError } from "@trtllm-node/core";
import type { GenerateOptions } from "../generate-options.ts";
import type { GenerationResult } from "../generation-result.ts";

export interface SeveralOptions extends GenerateOptions {
  /** How many answers; at least 1. Each is a request of its own, with the next seed. */
  readonly n: number;
  /** Make so many, and give the `n` with the highest mean log-probability of a token. Default: `n`. */
  readonly bestOf?: number | undefined;
}

/**
 * Several answers to one prompt, whose KV cache they share. With `bestOf` the best comes first, else the first seed.
 * @throws InvalidRequestError: counts out of range, or several answers that would all be the same
 */
export async function generateSeveral(
  { n, bestOf = n, ...options }: SeveralOptions,
  generate: (options: GenerateOptions) => Promise<GenerationResult>,
): Promise<GenerationResult[]> {
  if (!(Number.isInteger(n) && n > 0 && Number.isInteger(bestOf) && bestOf >= n)) {
    throw new InvalidRequestError(
      `n is ${n} and bestOf ${bestOf}. Both are whole numbers, and 1 <= n <= bestOf.`,
    );
  }
  const { temperature = 0, seed = 0, logProbs = false } = options;
  if (bestOf > 1 && temperature === 0) {
    throw new InvalidRequestError(
      `Without a temperature all ${bestOf} answers would be the same. Give one above 0, or ask for one answer.`,
    );
  }
  const ranked = bestOf > n;
  const answers = await Promise.all(
    Array.from({ length: bestOf }, (_, index) =>
      generate({ ...options, seed: seed + index, logProbs: ranked || logProbs }),
    ),
  );
  if (!ranked) return answers;
  return answers.sort((a, b) => meanLogProb(b) - meanLogProb(a)).slice(0, n);
}

function meanLogProb({ logProbs = new Float32Array(0) }: GenerationResult): number {
  return logProbs.length === 0
    ? Number.NEGATIVE_INFINITY
    : logProbs.reduce((sum, p) => sum + p, 0) / logProbs.length;
}
