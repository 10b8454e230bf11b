import {
  type EngineInfo,
  type ExecutorRequest,
  type GuidedDecoding,
  InvalidRequestError,
  type SamplingOptions,
  unknownOption,
} from "@trtllm-node/core";

/** Most tokens of prompt and answer together. */
export function contextTokens({ maxSequenceTokens, kvBlocks, tokensPerBlock }: EngineInfo): number {
  return Math.min(maxSequenceTokens, kvBlocks * tokensPerBlock);
}

export interface GenerateOptions extends Omit<SamplingOptions, "numReturnSequences"> {
  /**
   * Most tokens to generate; at least 1. Default: what the engine's sequence limit and KV cache leave after the
   * prompt.
   */
  readonly maxTokens?: number | undefined;
  /**
   * The answer ends before the first of these texts, which may begin and end inside tokens. The text is checked, not
   * the tokens. Default: none.
   */
  readonly stop?: string | readonly string[] | undefined;
  /** Any of these token sequences ends the answer and is its end. Default: none. */
  readonly stopWords?: ExecutorRequest["stopWords"];
  /** 0 to 1; of the waiting requests the highest goes first. Default 0.5. */
  readonly priority?: number | undefined;
  /** Milliseconds from submission after which the answer ends with `"timed-out"`. Default: none. */
  readonly timeoutMs?: number | undefined;
  /** KV blocks are reused only among requests of the same number: 0 to 2^53 - 1. Default: none. */
  readonly cacheSaltId?: number | undefined;
  /** Return the log-probability of each generated token. Default false. */
  readonly logProbs?: boolean | undefined;
  /** With `logProbs` or `promptLogProbs`: so many of the most likely tokens at each position, 0 to 20. Default 0. */
  readonly topLogProbs?: number | undefined;
  /** Return the log-probability of each token of the prompt, which is computed whole then. Default false. */
  readonly promptLogProbs?: boolean | undefined;
  /** The answer is a text of this language, whole unless `maxTokens` cuts it off. Default: any text. */
  readonly guided?: GuidedDecoding | undefined;
  /** Name of the LoRA adapter that the model answers with. Default: none. */
  readonly lora?: string | undefined;
  /** Aborting it cancels the request; stream and result reject with AbortedError. */
  readonly signal?: AbortSignal | undefined;
}

const known = Object.keys({
  maxTokens: true,
  temperature: true,
  topK: true,
  topP: true,
  topPDecay: true,
  topPMin: true,
  topPResetId: true,
  minP: true,
  seed: true,
  repetitionPenalty: true,
  presencePenalty: true,
  frequencyPenalty: true,
  promptIgnoreLength: true,
  noRepeatNgramSize: true,
  badWords: true,
  logitBias: true,
  minTokens: true,
  beamWidth: true,
  lengthPenalty: true,
  beamSearchDiversityRate: true,
  earlyStopping: true,
  stop: true,
  stopWords: true,
  priority: true,
  timeoutMs: true,
  cacheSaltId: true,
  logProbs: true,
  topLogProbs: true,
  promptLogProbs: true,
  guided: true,
  lora: true,
  signal: true,
} satisfies Record<keyof GenerateOptions, true>);

/**
 * What to ask of the executor, which checks the values.
 * @param sequences answers to the prompt; of a beam search the best ones
 * @throws InvalidRequestError: unknown option
 */
export function toExecutorRequest(
  tokens: Int32Array | readonly number[],
  options: GenerateOptions,
  endIds: readonly number[],
  engine: EngineInfo,
  sequences: number,
): ExecutorRequest {
  const unknown = Object.keys(options).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    throw new InvalidRequestError(unknown.map((key) => unknownOption([key], known)).join(" "));
  }
  const room = contextTokens(engine) - tokens.length;
  // Without room the executor refuses one token, and says why.
  const {
    maxTokens = Math.max(room, 1),
    stop: _,
    stopWords,
    priority,
    timeoutMs,
    cacheSaltId,
    logProbs,
    topLogProbs,
    promptLogProbs,
    guided,
    lora,
    signal,
    ...sampling
  } = options;
  const [endId, ...stopTokenIds] = endIds;
  const several = sequences > 1 || sampling.beamWidth !== undefined;
  return {
    tokens,
    maxTokens,
    sampling: several ? { ...sampling, numReturnSequences: sequences } : sampling,
    endId,
    stopTokenIds,
    stopWords,
    priority,
    timeoutMs,
    cacheSaltId,
    logProbs,
    topLogProbs,
    promptLogProbs,
    guided,
    lora,
    signal,
  };
}

/**
 * The requests that make `count` answers: no more of them in one than the executor runs side by side. Beams are
 * one search and so one request.
 * @throws InvalidRequestError: `count` is no whole number above 0
 */
export function requestsFor(
  count: number,
  options: GenerateOptions,
  { maxBatchSize }: EngineInfo,
): { readonly count: number; readonly options: GenerateOptions }[] {
  if (!(Number.isInteger(count) && count > 0)) {
    throw new InvalidRequestError(`${count} answers are asked for. Expected a whole number of at least 1.`);
  }
  if (count <= maxBatchSize || (options.beamWidth ?? 1) > 1) return [{ count, options }];
  return Array.from({ length: Math.ceil(count / maxBatchSize) }, (_, part) => {
    const first = part * maxBatchSize;
    const seed = ((options.seed ?? 0) + first) % 2 ** 53;
    return { count: Math.min(maxBatchSize, count - first), options: { ...options, seed } };
  });
}
