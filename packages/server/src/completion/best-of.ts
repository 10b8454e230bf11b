import { bestAnswers, type GenerationResult, type Tokenizer } from "@trtllm-node/runtime";
import { type ChoiceEvent, finishReason } from "../answer/choice.ts";
import { tokenLogProbs } from "../answer/log-probs.ts";
import { ApiError } from "../api-error.ts";
import type { CompletionRequest } from "../request/completion-request.ts";

/**
 * Answers to make for each prompt.
 * @throws ApiError: fewer than are wanted, or a stream, of which the best is not known before its end
 */
export function answersPerPrompt({ n, best_of, stream }: CompletionRequest): number {
  const wanted = n ?? 1;
  const made = best_of ?? wanted;
  const wrong =
    made < wanted ? "must be at least 'n'" : made > wanted && stream ? "cannot be streamed" : undefined;
  if (wrong === undefined) return made;
  const message = `Invalid value for 'best_of': ${made} ${wrong}.`;
  throw new ApiError(400, message, { param: "best_of", code: "invalid_value" });
}

/**
 * The likeliest `n` of some answers to one prompt as choices. What the others cost is told with the first.
 * @param first index of the first choice
 * @param logprobs whether to tell them
 */
export function bestChoices(
  answers: readonly Promise<GenerationResult>[],
  { n, first, logprobs }: { readonly n: number; readonly first: number; readonly logprobs: boolean },
  tokenizer: Tokenizer,
): AsyncIterable<ChoiceEvent<string>>[] {
  const best = Promise.all(answers).then((all) => {
    const chosen = bestAnswers(all, n);
    const spent = (some: readonly GenerationResult[]) =>
      some.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
    return { chosen, others: spent(all) - spent(chosen) };
  });
  async function* choice(place: number): AsyncGenerator<ChoiceEvent<string>, undefined> {
    const { chosen, others } = await best;
    const result = chosen[place]!;
    const index = first + place;
    yield { index, piece: result.text };
    const completionTokens = result.usage.completionTokens + (place === 0 ? others : 0);
    const usage = { ...result.usage, completionTokens };
    yield {
      index,
      end: { finishReason: finishReason(result.finishReason), usage },
      told: logprobs ? tokenLogProbs(result, tokenizer) : undefined,
    };
  }
  return Array.from({ length: n }, (_, place) => choice(place));
}
