/** What one step of an engine computes. */
export interface StepWork {
  /** Prompts of which a piece is computed. */
  contextParts: number;
  /** Tokens of those pieces. */
  contextTokens: number;
  /** Over those tokens, the sum of the tokens that each sees: what attention computes. */
  contextPairs: number;
  /** Answers that get a token. */
  generating: number;
  /** Tokens in the KV caches of those answers. */
  kvTokens: number;
}

/** How long an engine takes for a step. */
export interface StepTime {
  /** Milliseconds, above 0 where there is any work. Called for every step: it must not allocate. */
  ms(work: StepWork): number;
  /** Whether a prompt's first token is there when its piece is computed, before the rest of the step is. */
  readonly deliversPartsInTurn: boolean;
}

export function noWork(): StepWork {
  return { contextParts: 0, contextTokens: 0, contextPairs: 0, generating: 0, kvTokens: 0 };
}

/** Tokens that `tokens` tokens after `past` others see, each itself included. */
export function attentionPairs(tokens: number, past: number): number {
  return tokens * past + (tokens * (tokens + 1)) / 2;
}
