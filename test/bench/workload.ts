/** What every peer of a comparison is asked to do. End tokens do not end an answer. */
export interface Workload {
  /** GGUF file, or engine directory with OpenVINO IR. */
  readonly model: string;
  readonly requests: number;
  /** Tokens that begin every prompt alike. */
  readonly sharedPrefix: number;
  /** Tokens of each prompt after that, all different. */
  readonly promptTokens: number;
  /** Tokens to generate for each request. */
  readonly newTokens: number;
  /** All at the same moment, or each after the one before. */
  readonly arrival: "together" | "one by one";
}

export interface Measurement {
  /** Generated tokens over the time from the first submission to the last token. */
  readonly tokensPerSecond: number;
  /** Per request, from its submission. */
  readonly timeToFirstTokenMs: readonly number[];
  /** Generated token ids, per request. */
  readonly tokens: readonly (readonly number[])[];
  /** Time that the JavaScript thread was busy, over the generated tokens. */
  readonly javascriptMicrosecondsPerToken?: number;
}

// Control tokens sit at the start of a vocabulary; above this all are ordinary.
const firstOrdinary = 1000;

/**
 * The prompts of a workload, made as in native-shim/bench/prompts.cpp.
 * @param series another number gives prompts, and a prefix, that have nothing in common with these
 */
export function makePrompts(workload: Workload, vocabularySize: number, series = 0): number[][] {
  const prefix = randomTokens(workload.sharedPrefix, series, vocabularySize);
  return Array.from({ length: workload.requests }, (_, index) => [
    ...prefix,
    ...randomTokens(workload.promptTokens, series + index + 1, vocabularySize),
  ]);
}

function randomTokens(count: number, seed: number, vocabularySize: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    // Numerical Recipes' generator; its low bits are poor.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return firstOrdinary + ((state >>> 8) % (vocabularySize - firstOrdinary));
  });
}
