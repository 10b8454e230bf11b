import { createHash, randomInt } from "node:crypto";
import type { GenerateOptions, Tokenizer } from "@trtllm-node/runtime";
import { z } from "zod";
import { ApiError, unsupported } from "../api-error.ts";

const penalty = z.number().min(-2).max(2).nullish();
const tokenId = z.int().min(0);

/** What every kind of request has. `null` is the default, as with OpenAI. */
export const samplingFields = {
  model: z.string(),
  stream: z.boolean().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
  stop: z
    .union(
      [z.string().min(1), z.array(z.string().min(1)).max(16)],
      "Expected a string or an array of strings.",
    )
    .nullish(),
  presence_penalty: penalty,
  frequency_penalty: penalty,
  logit_bias: z
    .record(z.string().regex(/^\d{1,9}$/, "Expected token ids."), z.number().min(-100).max(100))
    .nullish(),
  // Not OpenAI's, but what vLLM and trtllm-serve take too.
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().positive().nullish(),
  min_tokens: z.int().min(0).nullish(),
  ignore_eos: z.boolean().nullish(),
  stop_token_ids: z.array(tokenId).max(64).nullish(),
  priority: z.number().min(0).max(1).nullish(),
  cache_salt: z.string().min(1).nullish(),
};

/** What chats and completions have. */
export const generationFields = {
  ...samplingFields,
  stream_options: z
    .object({ include_usage: z.boolean().nullish(), continuous_usage_stats: z.boolean().nullish() })
    .nullish(),
  max_tokens: z.int().min(1).nullish(),
  n: z.int().min(1).max(128).nullish(),
};

/** The others that are numbers are whole. */
export const decimalFields: ReadonlySet<string> = new Set([
  "temperature",
  "top_p",
  "min_p",
  "presence_penalty",
  "frequency_penalty",
  "repetition_penalty",
  "logit_bias",
  "priority",
]);

const sampling = z.object(samplingFields);
type SamplingRequest = z.infer<typeof sampling>;
const generation = z.object(generationFields);
type GenerationRequest = z.infer<typeof generation>;

/** The runtime's options. `seed` is that of the first choice. */
export function generateOptions(request: SamplingRequest, tokenizer: Tokenizer) {
  const { temperature, top_p, top_k, stop_token_ids: stopTokens, logit_bias } = request;
  return {
    // OpenAI's defaults, not the runtime's: an answer is drawn, and another one each time.
    temperature: temperature ?? 1,
    topP: top_p === 0 ? undefined : (top_p ?? undefined),
    // Nothing but the most likely token.
    topK: top_p === 0 ? 1 : Math.max(top_k ?? 0, 0),
    minP: request.min_p ?? undefined,
    presencePenalty: request.presence_penalty ?? undefined,
    frequencyPenalty: request.frequency_penalty ?? undefined,
    repetitionPenalty: request.repetition_penalty ?? undefined,
    logitBias: logit_bias ?? undefined,
    minTokens: request.min_tokens ?? undefined,
    badWords: request.ignore_eos ? tokenizer.endIds.map((id) => [id]) : undefined,
    stop: request.stop ?? undefined,
    stopWords: stopTokens?.map((id) => [id]),
    priority: request.priority ?? undefined,
    cacheSaltId: request.cache_salt ? saltId(request.cache_salt) : undefined,
  } satisfies GenerateOptions;
}

/** 52 bits of its hash. */
function saltId(salt: string): number {
  return Number.parseInt(createHash("sha256").update(salt).digest("hex").slice(0, 13), 16);
}

/** Below 2^53, as the runtime takes it; without one a new one each time. */
export function seedOf({ seed }: Pick<SamplingRequest, "seed">): number {
  if (seed === null || seed === undefined) return randomInt(2 ** 47);
  return seed < 0 ? seed + 2 ** 53 : seed;
}

/** @throws ApiError: asks for more than the server gives */
export function checkMaxTokens(
  field: string,
  asked: number | null | undefined,
  limit: number | undefined,
): number | undefined {
  if (asked === null || asked === undefined) return limit;
  if (limit === undefined || asked <= limit) return asked;
  const message = `Invalid '${field}': integer above maximum value. Expected a value <= ${limit}, but got ${asked} instead.`;
  throw new ApiError(400, message, { param: field, code: "integer_above_max_value" });
}

/** @throws ApiError: options that streams do not have, or of a stream on a request that does not stream */
export function checkStreamOptions({ stream, stream_options }: GenerationRequest): void {
  if (stream_options?.continuous_usage_stats) {
    throw unsupported("stream_options.continuous_usage_stats", "Usage is told once, at the end.");
  }
  if (!stream_options || stream) return;
  const message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
  throw new ApiError(400, message, { param: "stream_options", code: "invalid_value" });
}

/** What OpenAI's API knows and an engine here cannot do. */
export interface Unsupported {
  readonly reason: string;
  /** Values that ask for nothing. `null` always does so. */
  readonly harmless?: readonly unknown[];
}

/** @throws ApiError: names the first of them that is asked for */
export function refuseUnsupported(body: unknown, fields: Readonly<Record<string, Unsupported>>): void {
  for (const [field, { reason, harmless = [] }] of Object.entries(fields)) {
    const value = (body as Readonly<Record<string, unknown>> | null)?.[field];
    if (value === undefined || value === null) continue;
    if (!harmless.some((allowed) => JSON.stringify(allowed) === JSON.stringify(value))) {
      throw unsupported(field, reason);
    }
  }
}

const aService = "It belongs to OpenAI's own service.";

export const unsupportedByAll: Readonly<Record<string, Unsupported>> = {
  service_tier: { reason: aService, harmless: ["auto", "default"] },
  use_beam_search: { reason: "Beam search is not offered over HTTP.", harmless: [false] },
  prompt_logprobs: { reason: "Log-probabilities of the prompt are not offered over HTTP." },
  lora_request: { reason: "A LoRA adapter is asked for as the model: 'model:adapter', or its name alone." },
};
