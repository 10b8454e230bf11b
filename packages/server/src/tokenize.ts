import { z } from "zod";
import { refuseUnsupported } from "./request/generation-fields.ts";
import { parseRequest } from "./request/parse-request.ts";
import type { ServedModels } from "./served-models.ts";

const tokenizeSchema = z.object({
  model: z.string().nullish(),
  prompt: z.string(),
  add_special_tokens: z.boolean().nullish(),
});

const detokenizeSchema = z.object({
  model: z.string().nullish(),
  tokens: z.array(z.int().min(0)),
});

/** POST /tokenize, as vLLM has it */
export async function tokenize(body: unknown, models: ServedModels, signal: AbortSignal): Promise<object> {
  refuseUnsupported(body, { messages: { reason: "Only a 'prompt' can be tokenized." } });
  const request = parseRequest(tokenizeSchema, body);
  const { llm } = models.get(request.model);
  const options = { addSpecial: request.add_special_tokens ?? true, parseSpecial: true };
  const tokens = await llm.tokenizer.encodeAsync(request.prompt, options, signal);
  return { count: tokens.length, max_model_len: llm.engine.maxSequenceTokens, tokens: [...tokens] };
}

/** POST /detokenize, as vLLM has it, but special tokens have no text */
export async function detokenize(body: unknown, models: ServedModels): Promise<object> {
  const { model, tokens } = parseRequest(detokenizeSchema, body);
  const decoder = models.get(model).llm.tokenizer.createDecoder();
  return { prompt: decoder.push(tokens) + decoder.flush() };
}
