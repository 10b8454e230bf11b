import { TrafficError } from "../errors.ts";
import { randomIntegers } from "../random.ts";
import type { TrafficRequest } from "../traffic/traffic-request.ts";

/** A request to send. */
export interface LoadRequest {
  /** Milliseconds from the beginning. */
  readonly arrivalMs: number;
  readonly prompt: Int32Array;
  /** Tokens that the answer gets, whatever the model would say. */
  readonly completionTokens: number;
  /** What the request allows. Default `completionTokens`. */
  readonly maxTokens?: number | undefined;
}

export interface PromptOptions {
  readonly vocabularySize: number;
  /** Another one gives other prompts, which have nothing in common with these. Default 0. */
  readonly seed?: number | undefined;
  /** Times come so many times as fast. Default 1. */
  readonly speed?: number | undefined;
}

/**
 * Requests with the lengths, arrivals and shared beginnings of recorded ones, and random tokens for their text: equal
 * prefix blocks become equal tokens.
 * @throws TrafficError: the lengths are not known
 */
export function loadRequests(
  traffic: readonly TrafficRequest[],
  { vocabularySize, seed = 0, speed = 1 }: PromptOptions,
): LoadRequest[] {
  const start = traffic[0]?.arrivalMs ?? 0;
  return traffic.map(
    ({ arrivalMs, promptTokens, completionTokens, maxTokens, prefixBlocks = [], blockTokens = 0 }, index) => {
      if (promptTokens === undefined || completionTokens === undefined) {
        throw new TrafficError("Lengths of a request are not known, so nothing like it can be sent.");
      }
      const prompt = new Int32Array(Math.max(promptTokens, 1));
      const fill = (from: number, to: number, stream: number) => {
        const next = randomIntegers(Math.imul(seed + 1, 0x9e3779b1) ^ stream);
        for (let at = from; at < to; at += 1)
          prompt[at] = firstOrdinary + (next() % (vocabularySize - firstOrdinary));
      };
      const shared = Math.min(prefixBlocks.length * blockTokens, prompt.length);
      for (const [block, id] of prefixBlocks.entries()) {
        fill(block * blockTokens, Math.min((block + 1) * blockTokens, shared), id % 2 ** 31);
      }
      fill(shared, prompt.length, -1 - index);
      return {
        arrivalMs: (arrivalMs - start) / speed,
        prompt,
        completionTokens: Math.max(completionTokens, 1),
        maxTokens,
      };
    },
  );
}

/** Control tokens are at the beginning of most vocabularies. */
const firstOrdinary = 1000;
