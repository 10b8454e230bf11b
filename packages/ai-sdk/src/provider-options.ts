import { InvalidArgumentError, type LanguageModelV3CallOptions } from "@ai-sdk/provider";
import { z } from "zod";

/** The key of this provider's options and metadata. */
export const providerName = "trtllm";

/** What an engine can do beyond the AI SDK's settings; docs/sampling.md and docs/chat.md have ranges and defaults. */
const schema = z.strictObject({
  /** 0 to 1; of the waiting requests the highest goes first. Default 0.5. */
  priority: z.number().optional(),
  /** Milliseconds from submission after which the answer ends, with the raw finish reason "timed-out". Default: none. */
  timeoutMs: z.number().optional(),
  /** Drop tokens less likely than this share of the best one's probability; 0 to 1. Default 0. */
  minP: z.number().optional(),
  /** Above 0; over 1 makes tokens of prompt and answer less likely again. Default 1. */
  repetitionPenalty: z.number().optional(),
  /** No sequence of so many tokens comes twice in prompt and answer; 0 allows repetition. Default 0. */
  noRepeatNgramSize: z.number().optional(),
  /** Variables that this model's chat template knows, such as `{ enable_thinking: false }`. */
  templateVariables: z.record(z.string(), z.unknown()).optional(),
});

/** For `providerOptions: { trtllm: ... }`. */
export type TrtllmProviderOptions = z.infer<typeof schema>;

/**
 * Checks names and types; the executor checks ranges.
 * @throws InvalidArgumentError
 */
export function readProviderOptions(
  options: LanguageModelV3CallOptions["providerOptions"],
): TrtllmProviderOptions {
  const result = schema.safeParse(options?.[providerName] ?? {});
  if (result.success) return result.data;
  throw new InvalidArgumentError({
    argument: "providerOptions",
    message: `providerOptions.${providerName} is not valid: ${z.prettifyError(result.error)}. It takes: ${Object.keys(schema.shape).join(", ")}.`,
    cause: result.error,
  });
}
