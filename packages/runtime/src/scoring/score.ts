import { InvalidRequestError } from "@trtllm-node/core";
import type { GenerateOptions } from "../generate-options.ts";
import type { GenerationResult } from "../generation-result.ts";

export type ScoringOptions = Pick<GenerateOptions, "signal" | "priority" | "lora">;

export interface ScoreOptions extends ScoringOptions {
  /** What comes before the text, and is not scored itself. Default: nothing. */
  readonly after?: string | undefined;
}

/** How likely a text is. Natural logarithms. */
export interface Score {
  /** Of the whole text: the sum of its tokens'. */
  readonly logProb: number;
  /** The text's tokens. Without anything before it, not even BOS, its first token has no probability and is left out. */
  readonly tokens: Int32Array;
  /** One per token. */
  readonly logProbs: Float32Array;
}

export interface ClassifiedChoice {
  readonly choice: string;
  readonly logProb: number;
  /** Among the choices: these sum to 1. */
  readonly probability: number;
}

export interface Classification {
  /** The most likely one. */
  readonly choice: string;
  /** In the order in which they were given. */
  readonly scores: readonly ClassifiedChoice[];
}

/** Generates with `promptLogProbs`. */
type Generate = (tokens: Int32Array) => Promise<Pick<GenerationResult, "promptLogProbs">>;

/**
 * The score of what `tokens` have beyond `before`. Where the two differ earlier, as when the text's first letters make
 * one token with the last ones before it, it begins there.
 */
export async function scoreBehind(
  before: Int32Array,
  tokens: Int32Array,
  generate: Generate,
): Promise<Score> {
  const { promptLogProbs } = await generate(tokens);
  const differs = tokens.findIndex((token, index) => token !== before[index]);
  const first = differs === -1 ? tokens.length : differs;
  // The very first token comes after nothing.
  const start = Math.max(first, 1);
  const logProbs = promptLogProbs!.slice(start);
  return { logProb: logProbs.reduce((sum, value) => sum + value, 0), tokens: tokens.slice(start), logProbs };
}

/** The choices' share of each other's probability. */
export function classification(choices: readonly string[], scores: readonly Score[]): Classification {
  const best = Math.max(...scores.map(({ logProb }) => logProb));
  // Relative to the best: the probabilities themselves may be too small for a number.
  const weights = scores.map(({ logProb }) => Math.exp(logProb - best));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return {
    choice: choices[scores.findIndex(({ logProb }) => logProb === best)]!,
    scores: choices.map((choice, index) => ({
      choice,
      logProb: scores[index]!.logProb,
      probability: weights[index]! / sum,
    })),
  };
}

/** @throws InvalidRequestError: not at least two different texts */
export function checkChoices(choices: readonly string[]): void {
  const texts =
    Array.isArray(choices) && choices.every((choice) => typeof choice === "string" && choice !== "");
  if (texts && choices.length > 1 && new Set(choices).size === choices.length) return;
  throw new InvalidRequestError(
    `The choices are ${JSON.stringify(choices)}. Give at least two different texts, none of them empty.`,
  );
}
