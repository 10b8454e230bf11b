import { z } from "zod";
import { InvalidRequestError, KvCacheFullError, PromptTooLongError } from "./errors.ts";
import type { EngineInfo, ExecutorRequest } from "./executor-like.ts";
import { problems } from "./schema.ts";

const natural = z.int32().min(0);
const share = z.number().min(0).max(1);

const schema = z.strictObject({
  maxTokens: z.int32().min(1),
  sampling: z
    .strictObject({
      temperature: z.number().min(0).optional(),
      topK: natural.optional(),
      topP: z.number().gt(0).max(1).optional(),
      minP: share.optional(),
      seed: z.int().min(0).optional(),
      repetitionPenalty: z.number().gt(0).optional(),
      presencePenalty: z.number().optional(),
      frequencyPenalty: z.number().optional(),
      minTokens: natural.optional(),
    })
    .optional(),
  endId: z.int().optional(),
  stopTokenIds: z.array(z.int()).optional(),
  priority: share.optional(),
  timeoutMs: z.int32().min(1).optional(),
  logProbs: z.boolean().optional(),
  maxUnreadTokens: natural.optional(),
});

/**
 * The arguments of `trtllm_executor_submit`, for a request that `engine` can run. A prompt that is an
 * Int32Array is passed on as it is.
 * @throws InvalidRequestError, PromptTooLongError, KvCacheFullError
 */
export function encodeRequest(
  request: ExecutorRequest,
  engine: EngineInfo,
): { json: string; tokens: Int32Array } {
  const { tokens, signal: _, ...options } = request;
  const wrong = problems(schema, options);
  if (wrong.length > 0) throw new InvalidRequestError(wrong.join(" "));
  checkPrompt(tokens, engine.vocabularySize);
  const { sampling, maxUnreadTokens: _unread, ...rest } = options;
  const { endId, stopTokenIds = [], maxTokens } = rest;
  if (endId !== undefined) checkIds("endId", [endId], engine.vocabularySize);
  checkIds("stopTokenIds", stopTokenIds, engine.vocabularySize);
  checkSize(tokens.length, maxTokens, engine);
  return {
    json: JSON.stringify({ ...rest, ...sampling }),
    tokens: tokens instanceof Int32Array ? tokens : Int32Array.from(tokens),
  };
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

function checkSize(promptTokens: number, maxTokens: number, engine: EngineInfo): void {
  const { maxSequenceTokens: limit, tokensPerBlock, kvBlocks } = engine;
  if (promptTokens + maxTokens > limit) throw new PromptTooLongError({ promptTokens, maxTokens, limit });
  const blocks = Math.ceil((promptTokens + maxTokens) / tokensPerBlock);
  if (blocks > kvBlocks) {
    throw new KvCacheFullError(
      `The request may need ${blocks} KV blocks of ${tokensPerBlock} tokens (prompt ${promptTokens}, maxTokens ${maxTokens}); the pool has ${kvBlocks}. Shorten it, or raise kvCache.maxTokens when loading the engine.`,
    );
  }
}
