import type { Prompt, TextStream, Tokenizer } from "@trtllm-node/runtime";
import { type ChoiceEvent, envelope, finishReason } from "../answer/choice.ts";
import { completionLogProbs, TokenTeller } from "../answer/log-probs.ts";
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
  generateOptions,
  refuseUnsupported,
  seedOf,
} from "../request/generation-fields.ts";
import { parseRequest } from "../request/parse-request.ts";
import { answersPerPrompt, bestChoices } from "./best-of.ts";

/** OpenAI's default. */
const defaultMaxTokens = 16;

function completionFormat(): ChoiceFormat<string> {
  /** Of each choice the characters of the tokens that were told. */
  const offsets = new Map<number, number>();
  return {
    chunk({ index, told, ...event }) {
      const start = offsets.get(index) ?? 0;
      if (told !== undefined)
        offsets.set(
          index,
          told.reduce((end, { token }) => end + token.length, start),
        );
      const text = "piece" in event ? event.piece : "";
      const finish_reason = "end" in event ? event.end.finishReason : null;
      return { index, text, logprobs: told ? completionLogProbs(told, start) : null, finish_reason };
    },
    whole(index, pieces, { finishReason: finish_reason }, told) {
      return {
        index,
        text: pieces.join(""),
        logprobs: told ? completionLogProbs(told) : null,
        finish_reason,
      };
    },
  };
}

/** POST /v1/completions */
export async function completions({ body, models, call, limits, onError }: Generation): Promise<Response> {
  refuseUnsupported(body, unsupportedInCompletions);
  const request = parseRequest(completionSchema, body);
  checkStreamOptions(request);
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
  const answer = {
    envelope: envelope("cmpl", "text_completion", name),
    choices,
    perPrompt,
    format: completionFormat(),
  };
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
  const teller = new TokenTeller(tokenizer);
  for await (const { text: piece, ...tokens } of stream) {
    teller.add(tokens);
    yield { index, piece, told: teller.take() };
  }
  const result = await stream.result;
  const end = { finishReason: finishReason(result.finishReason), usage: result.usage };
  yield { index, end, told: teller.takeRest(result) };
}
