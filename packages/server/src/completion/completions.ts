import type { Prompt, TextStream, Tokenizer } from "@trtllm-node/runtime";
import { type ChoiceEvent, envelope, finishReason } from "../answer/choice.ts";
import { completionLogProbs, tokenLogProbs } from "../answer/log-probs.ts";
import { type ChoiceFormat, respondStreaming, respondWhole } from "../answer/respond.ts";
import type { Generation } from "../generation.ts";
import {
  type CompletionRequest,
  completionSchema,
  unsupportedInCompletions,
} from "../request/completion-request.ts";
import {
  checkLogProbs,
  checkMaxTokens,
  checkStreamOptions,
  generateOptions,
  refuseUnsupported,
  seedOf,
} from "../request/generation-fields.ts";
import { parseRequest } from "../request/parse-request.ts";
import { answersPerPrompt, bestChoices } from "./best-of.ts";

/** OpenAI's default. */
const defaultMaxTokens = 16;

const format: ChoiceFormat<string> = {
  chunk: (index, text = "", finish_reason) => ({ index, text, logprobs: null, finish_reason }),
  whole: (index, pieces, { finishReason: finish_reason, logprobs = null }) => {
    return { index, text: pieces.join(""), logprobs, finish_reason };
  },
};

/** POST /v1/completions */
export async function completions({ body, models, call, limits, onError }: Generation): Promise<Response> {
  refuseUnsupported(body, unsupportedInCompletions);
  const request = parseRequest(completionSchema, body);
  checkStreamOptions(request);
  if (typeof request.logprobs === "number") checkLogProbs(request);
  const made = answersPerPrompt(request);
  const { name, llm, lora } = models.get(request.model);
  const logprobs = typeof request.logprobs === "number";
  const perPrompt = request.n ?? 1;
  const options = {
    ...generateOptions(request, llm.tokenizer),
    lora,
    seed: seedOf(request),
    maxTokens: checkMaxTokens("max_tokens", request.max_tokens ?? defaultMaxTokens, limits.maxTokens),
    logProbs: logprobs || made > perPrompt,
    topLogProbs: request.logprobs ?? undefined,
    signal: call.signal,
  };
  const choices = prompts(request).flatMap((prompt, at) => {
    const first = at * perPrompt;
    const streams = llm.streamSeveral(prompt, made, options);
    if (made === perPrompt)
      return streams.map((stream, index) => textChoice(stream, first + index, llm.tokenizer));
    const answers = streams.map(({ result }) => result);
    return bestChoices(answers, { n: perPrompt, first, logprobs }, llm.tokenizer);
  });
  const answer = { envelope: envelope("cmpl", "text_completion", name), choices, perPrompt, format };
  if (!request.stream) return respondWhole(answer, call);
  const includeUsage = request.stream_options?.include_usage ?? false;
  return respondStreaming(answer, call, { includeUsage, onError });
}

function prompts({ prompt }: CompletionRequest): Prompt[] {
  if (typeof prompt === "string") return [prompt];
  return typeof prompt[0] === "number" ? [prompt as number[]] : (prompt as Prompt[]);
}

async function* textChoice(
  stream: TextStream,
  index: number,
  tokenizer: Tokenizer,
): AsyncGenerator<ChoiceEvent<string>, undefined> {
  for await (const piece of stream.textStream) yield { index, piece };
  const result = await stream.result;
  const chosen = tokenLogProbs(result, tokenizer);
  const logprobs = chosen && completionLogProbs(chosen);
  yield { index, end: { finishReason: finishReason(result.finishReason), usage: result.usage, logprobs } };
}
