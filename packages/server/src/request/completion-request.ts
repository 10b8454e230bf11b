import { z } from "zod";
import { generationFields, type Unsupported, unsupportedByAll } from "./generation-fields.ts";

const tokens = z.array(z.int().min(0)).min(1);

export const completionSchema = z.object({
  ...generationFields,
  prompt: z.union(
    [z.string().min(1), z.array(z.string().min(1)).min(1).max(128), tokens, z.array(tokens).min(1).max(128)],
    "Expected a text, an array of token ids, or an array of either, none of them empty.",
  ),
  logprobs: z.int().min(0).max(20).nullish(),
  best_of: z.int().min(1).max(128).nullish(),
});

export type CompletionRequest = z.infer<typeof completionSchema>;

export const unsupportedInCompletions: Readonly<Record<string, Unsupported>> = {
  ...unsupportedByAll,
  echo: { reason: "The prompt is not repeated.", harmless: [false] },
  suffix: { reason: "The text is only continued at its end.", harmless: [""] },
  response_format: { reason: "The answer cannot be held to a format.", harmless: [{ type: "text" }] },
};
