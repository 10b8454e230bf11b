import { ConfigError, InvalidRequestError } from "@trtllm-node/core";
import type { LLM } from "../llm.ts";

export interface EvaluateOptions {
  /** Tokens that are computed together; each window stands alone, and its first token is not scored. 2 or more. Default 512, or what both engines hold. */
  readonly windowTokens?: number | undefined;
  /** Called after each window with the part that is done, 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What an engine makes of a text, beside another one. */
export interface Evaluation {
  /** Tokens that were scored. */
  readonly tokens: number;
  /** exp of the mean negative log-probability of the text's tokens; the lower, the better the model knows the text. */
  readonly perplexity: number;
  readonly referencePerplexity: number;
  /** Part of the positions at which both hold the same token for the likeliest, 0 to 1. */
  readonly topAgreement: number;
}

/**
 * What quantizing costs, on a text: perplexity of an engine and of the one that it was made of, and how often both would
 * say the same. Take a text of the kind that will be served, of thousands of tokens.
 * @throws InvalidRequestError: the text has no two tokens; ConfigError: the engines' vocabularies differ; what
 * `LLM.generate` throws
 */
export async function evaluate(
  engine: LLM,
  reference: LLM,
  text: string,
  { windowTokens, onProgress, signal }: EvaluateOptions = {},
): Promise<Evaluation> {
  const encode = ({ tokenizer }: LLM) =>
    tokenizer.encodeAsync(text, { addSpecial: false, parseSpecial: false }, signal);
  const [tokens, same] = await Promise.all([encode(engine), encode(reference)]);
  if (tokens.length !== same.length || tokens.some((token, i) => token !== same[i])) {
    throw new ConfigError(
      `${engine.engine.name} and ${reference.engine.name} cut the text into different tokens: they are not of one model.`,
    );
  }
  const size = windowSize([engine, reference], windowTokens);
  const sums = { tokens: 0, engine: 0, reference: 0, agreed: 0 };
  for (let start = 0; start + 1 < tokens.length; start += size) {
    const window = tokens.subarray(start, start + size);
    if (window.length < 2) break;
    const options = { maxTokens: 1, promptLogProbs: true, topLogProbs: 1, signal };
    const [ours, theirs] = await Promise.all([engine, reference].map((llm) => llm.generate(window, options)));
    for (let i = 1; i < window.length; i++) {
      sums.tokens++;
      sums.engine -= ours!.promptLogProbs![i]!;
      sums.reference -= theirs!.promptLogProbs![i]!;
      if (ours!.promptTopLogProbs!.tokens[i] === theirs!.promptTopLogProbs!.tokens[i]) sums.agreed++;
    }
    onProgress?.(Math.min(1, (start + size) / tokens.length));
  }
  if (sums.tokens === 0) {
    throw new InvalidRequestError("The text has fewer than two tokens, so none of them can be scored.");
  }
  return {
    tokens: sums.tokens,
    perplexity: Math.exp(sums.engine / sums.tokens),
    referencePerplexity: Math.exp(sums.reference / sums.tokens),
    topAgreement: sums.agreed / sums.tokens,
  };
}

function windowSize(engines: readonly LLM[], asked: number | undefined): number {
  // One token is generated behind the window.
  const held = Math.min(...engines.map(({ engine }) => engine.maxSequenceTokens - 1));
  const size = asked ?? Math.min(512, held);
  if (Number.isInteger(size) && size >= 2 && size <= held) return size;
  throw new ConfigError(`windowTokens is ${asked}. Expected a whole number from 2 to ${held}.`);
}
