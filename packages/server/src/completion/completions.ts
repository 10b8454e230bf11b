import type { Prompt, TextStream } from "@trtllm-node/runtime";
import { type ChoiceEvent, envelope, finishReason } from "../answer/choice.ts";
import { type ChoiceFormat, respondStreaming, respondWhole } from "../answer/respond.ts";
import type { Generation } from "../generation.ts";
import {
  type CompletionRequest,
  completionSchema,
  unsupportedInCompletions,
} from "../request/completion-request.ts";
import {
  checkMaxTokens,
  checkStreamOptions,
  choiceSeed,
  generateOptions,
  refuseUnsupported,
  seedOf,
} from "../request/generation-fields.ts";
import { parseRequest } from "../request/parse-request.ts";

/** OpenAI's default. */
const defaultMaxTokens = 16;

const format: ChoiceFormat<string> = {
  chunk: (index, text = "", finish_reason) => ({ index, text, logprobs: null, finish_reason }),
  whole: (index, pieces, finish_reason) => ({ index, text: pieces.join(""), logprobs: null, finish_reason }),
};

/** POST /v1/completions */
export async function completions({ body, models, call, limits, onError }: Generation): Promise<Response> {
  refuseUnsupported(body, unsupportedInCompletions);
  const request = parseRequest(completionSchema, body);
  checkStreamOptions(request);
  const { name, llm } = models.get(request.model);
  const seed = seedOf(request);
  const options = {
    ...generateOptions(request, llm.tokenizer),
    maxTokens: checkMaxTokens("max_tokens", request.max_tokens ?? defaultMaxTokens, limits.maxTokens),
    signal: call.signal,
  };
  const perPrompt = request.n ?? 1;
  const choices = prompts(request).flatMap((prompt, at) =>
    Array.from({ length: perPrompt }, (_, index) =>
      textChoice(llm.stream(prompt, { ...options, seed: choiceSeed(seed, index) }), at * perPrompt + index),
    ),
  );
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
): AsyncGenerator<ChoiceEvent<string>, undefined> {
  for await (const piece of stream.textStream) yield { index, piece };
  const { finishReason: reason, usage } = await stream.result;
  yield { index, end: { finishReason: finishReason(reason), usage } };
}
