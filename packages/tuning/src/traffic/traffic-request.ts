import { z } from "zod";

const count = z.int().min(0);
const milliseconds = z.number().min(0);

export const trafficOutcomes = [
  "end",
  "stop",
  "length",
  "timed-out",
  "cancelled",
  "aborted",
  "failed",
  "refused",
] as const;

/** One line of a traffic file. */
export const trafficRequestSchema = z.strictObject({
  /** When it arrived: milliseconds since 1970, or since the beginning of a trace. */
  arrivalMs: z.number(),
  promptTokens: count.optional(),
  /** Tokens of the prompt that were found in the KV cache. */
  cachedPromptTokens: count.optional(),
  completionTokens: count.optional(),
  /** What the request allowed. */
  maxTokens: z.int().min(1).optional(),
  outcome: z.enum(trafficOutcomes).optional(),
  queueMs: milliseconds.optional(),
  timeToFirstTokenMs: milliseconds.optional(),
  /** Mean time between tokens. */
  interTokenMs: milliseconds.optional(),
  totalMs: milliseconds.optional(),
  /** Tokens of a prefix block. */
  blockTokens: z.int().min(1).optional(),
  /**
   * One number per whole block of the prompt, equal where the block and all before it are equal. Numbers of a keyed
   * hash, or of a trace's own numbering: they tell nothing of the text.
   */
  prefixBlocks: z.array(z.int()).optional(),
});

/**
 * What is known of one request, without any of its text. What a source does not tell is `undefined`, and what is derived
 * of it is then not derived.
 */
export type TrafficRequest = Readonly<z.infer<typeof trafficRequestSchema>>;

/** Whether the answer would have gone on: its length is then a lower bound. */
export function isCensored({ outcome }: TrafficRequest): boolean {
  return outcome !== undefined && outcome !== "end" && outcome !== "stop";
}
