import type { SimulatedEngine } from "../simulate/simulated-engine.ts";
import { type SimulatedRequest, wholeTokens } from "../simulate/simulation.ts";

/** Room above the longest request that was seen. */
const room = 1.15;

/** Most tokens that a request of the traffic may use. */
export function longestSequence(requests: readonly SimulatedRequest[]): number {
  return requests.reduce((most, request) => Math.max(most, wholeTokens(request)), 0);
}

/**
 * The sequence limit that the traffic needs: what its longest request may use, and some room, in whole blocks. Never
 * above what the engine has.
 */
export function sequenceLimit(
  requests: readonly SimulatedRequest[],
  { maxSequenceTokens, tokensPerBlock }: SimulatedEngine,
): Pick<SimulatedEngine, "maxSequenceTokens"> {
  const needed = Math.ceil((longestSequence(requests) * room) / tokensPerBlock) * tokensPerBlock;
  return { maxSequenceTokens: Math.min(maxSequenceTokens, needed) };
}
