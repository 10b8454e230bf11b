import { z } from "zod";
import { InvalidRequestError, KvCacheFullError, PromptTooLongError } from "./errors.ts";
import type { EngineInfo, ExecutorRequest } from "./executor-like.ts";
import { problems } from "./schema.ts";
import { checkSequences, computedSequences } from "./sequences.ts";

const natural = z.int32().min(0);
const positive = z.int32().min(1);
const share = z.number().min(0).max(1);
const positiveShare = z.number().gt(0).max(1);
const retentionPriority = z.int32().min(0).max(100);
const words = z.array(z.array(z.int()).min(1));

const schema = z.strictObject({
  maxTokens: positive,
  sampling: z
    .strictObject({
      temperature: z.number().min(0).optional(),
      topK: natural.optional(),
      topP: positiveShare.optional(),
      topPDecay: positiveShare.optional(),
      topPMin: positiveShare.optional(),
      topPResetId: z.int().optional(),
      minP: share.optional(),
      seed: z.int().min(0).optional(),
      repetitionPenalty: z.number().gt(0).optional(),
      presencePenalty: z.number().optional(),
      frequencyPenalty: z.number().optional(),
      promptIgnoreLength: natural.optional(),
      noRepeatNgramSize: natural.optional(),
      badWords: words.optional(),
      logitBias: z.record(z.string(), z.number()).optional(),
      minTokens: natural.optional(),
      numReturnSequences: positive.optional(),
      beamWidth: positive.optional(),
      lengthPenalty: z.number().min(0).optional(),
      beamSearchDiversityRate: z.number().min(0).optional(),
      earlyStopping: natural.optional(),
    })
    .check(({ value, issues }) => {
      const { topPDecay, topPMin, topPResetId, topK = 0, temperature = 0 } = value;
      const wrong = (key: string, message: string): void => {
        issues.push({ code: "custom", input: value, path: [key], message });
      };
      if (topPDecay === undefined) {
        if (topPMin !== undefined) wrong("topPMin", "It belongs to topPDecay, which is missing");
        if (topPResetId !== undefined) wrong("topPResetId", "It belongs to topPDecay, which is missing");
      } else if (topK > 0 || temperature === 0) {
        wrong("topPDecay", "It works on top-p alone: leave topK out and give a temperature above 0");
      }
    })
    .optional(),
  endId: z.int().optional(),
  stopTokenIds: z.array(z.int()).optional(),
  stopWords: words.optional(),
  priority: share.optional(),
  timeoutMs: z.int32().min(1).optional(),
  logProbs: z.boolean().optional(),
  topLogProbs: z.int().min(0).max(20).optional(),
  promptLogProbs: z.boolean().optional(),
  guided: z
    .strictObject({
      json: z.literal(true).optional(),
      jsonSchema: z
        .union([z.string(), z.record(z.string(), z.unknown())], "Expected an object or its text")
        .optional(),
      regex: z.string().optional(),
      grammar: z.string().optional(),
    })
    .refine((value) => Object.values(value).filter((guide) => guide !== undefined).length === 1, {
      error: "Expected exactly one of json, jsonSchema, regex and grammar",
    })
    .optional(),
  maxUnreadTokens: natural.optional(),
  lora: z.string().optional(),
  cacheSaltId: z.int().min(0).optional(),
  kvCacheRetention: z
    .strictObject({
      tokenRanges: z
        .array(
          z.strictObject({
            start: natural.optional(),
            end: z.int32().min(1).optional(),
            priority: retentionPriority,
            durationMs: z.int32().min(1).optional(),
          }),
        )
        .optional(),
      decodePriority: retentionPriority.optional(),
      decodeDurationMs: z.int32().min(1).optional(),
    })
    .optional(),
});

/**
 * The arguments of `trtllm_executor_submit`, for a request that `engine` can run. A prompt that is an
 * Int32Array is passed on as it is.
 * @param loraTaskId of an adapter's name
 * @throws InvalidRequestError, PromptTooLongError, KvCacheFullError
 */
export function encodeRequest(
  request: ExecutorRequest,
  engine: EngineInfo,
  loraTaskId: (name: string) => number,
): { json: string; tokens: Int32Array } {
  const { tokens, signal: _, ...options } = request;
  const wrong = problems(schema, options);
  if (wrong.length > 0) throw new InvalidRequestError(wrong.join(" "));
  if ((options.topLogProbs ?? 0) > 0 && !options.logProbs && !options.promptLogProbs) {
    throw new InvalidRequestError(
      "topLogProbs belongs to logProbs or promptLogProbs. Set one of them to true.",
    );
  }
  checkPrompt(tokens, engine.vocabularySize);
  const { sampling, maxUnreadTokens: _unread, lora, ...rest } = options;
  const { endId, stopTokenIds = [], stopWords = [], maxTokens } = rest;
  const { topPResetId, badWords = [], logitBias = {} } = sampling ?? {};
  if (endId !== undefined) checkIds("endId", [endId], engine.vocabularySize);
  if (topPResetId !== undefined) checkIds("sampling.topPResetId", [topPResetId], engine.vocabularySize);
  checkIds("stopTokenIds", stopTokenIds, engine.vocabularySize);
  for (const word of stopWords) checkIds("stopWords", word, engine.vocabularySize);
  for (const word of badWords) checkIds("sampling.badWords", word, engine.vocabularySize);
  checkIds("sampling.logitBias", Object.keys(logitBias).map(Number), engine.vocabularySize);
  checkSequences(request, engine);
  checkSize(tokens.length, maxTokens, computedSequences(sampling), engine);
  return {
    json: JSON.stringify({
      ...rest,
      ...sampling,
      guided: guide(rest.guided),
      loraTaskId: lora === undefined ? undefined : loraTaskId(lora),
    }),
    tokens: tokens instanceof Int32Array ? tokens : Int32Array.from(tokens),
  };
}

/** The schema goes as text: its order of properties is that of the answer. */
function guide(guided: ExecutorRequest["guided"]): object | undefined {
  if (guided === undefined || !("jsonSchema" in guided)) return guided;
  const { jsonSchema } = guided;
  return {
    jsonSchema: typeof jsonSchema === "string" ? jsonSchema : JSON.stringify(jsonSchema, withoutWidestBounds),
  };
}

/**
 * Leaves out the bounds that zod and others give any whole number: those of JavaScript's safe integers. XGrammar
 * takes minutes to make a grammar of such a range.
 */
function withoutWidestBounds(key: string, value: unknown): unknown {
  if (typeof value !== "number") return value;
  if (key === "minimum" && value <= Number.MIN_SAFE_INTEGER) return undefined;
  if (key === "maximum" && value >= Number.MAX_SAFE_INTEGER) return undefined;
  return value;
}

function checkPrompt(tokens: ExecutorRequest["tokens"], vocabularySize: number): void {
  if (!(tokens instanceof Int32Array || Array.isArray(tokens))) {
    throw new InvalidRequestError("The prompt must be an Int32Array or an array of token ids.");
  }
  if (tokens.length === 0) {
    throw new InvalidRequestError("The prompt is empty. Give at least one token; BOS, for instance.");
  }
  checkIds("tokens", tokens, vocabularySize);
}

function checkIds(name: string, ids: ArrayLike<number>, vocabularySize: number): void {
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index]!;
    if (!(Number.isInteger(id) && id >= 0 && id < vocabularySize)) {
      throw new InvalidRequestError(
        `${name} holds ${id} at index ${index}. A token id of this engine is a whole number from 0 to ${vocabularySize - 1}.`,
      );
    }
  }
}

/** Full blocks of the prompt are shared by the sequences. */
function checkSize(promptTokens: number, maxTokens: number, sequences: number, engine: EngineInfo): void {
  const { maxSequenceTokens: limit, tokensPerBlock, kvBlocks } = engine;
  if (promptTokens + maxTokens > limit) throw new PromptTooLongError({ promptTokens, maxTokens, limit });
  const whole = Math.ceil((promptTokens + maxTokens) / tokensPerBlock);
  const blocks = whole + (sequences - 1) * (whole - Math.floor(promptTokens / tokensPerBlock));
  if (blocks > kvBlocks) {
    throw new KvCacheFullError(
      `The request may need ${blocks} KV blocks of ${tokensPerBlock} tokens (prompt ${promptTokens}, maxTokens ${maxTokens}, sequences ${sequences}); the pool has ${kvBlocks}. Shorten it, or raise kvCache.maxTokens when loading the engine.`,
    );
  }
}
