import type { SimulatedEngine } from "../simulate/simulated-engine.ts";
import type { SimulatedRequest } from "../simulate/simulation.ts";

/** Room above the longest request that was seen. */
const room = 1.15;

/**
 * The sequence limit that the traffic needs: what its longest request may use, and some room, in whole blocks. Never
 * above what the engine has.
 */
export function sequenceLimit(
  requests: readonly SimulatedRequest[],
  { maxSequenceTokens, tokensPerBlock }: SimulatedEngine,
): Pick<SimulatedEngine, "maxSequenceTokens"> {
  const longest = requests.reduce(
    (most, { promptTokens, completionTokens, maxTokens = 0 }) =>
      Math.max(most, promptTokens + Math.max(completionTokens, maxTokens)),
    0,
  );
  const needed = Math.ceil((longest * room) / tokensPerBlock) * tokensPerBlock;
  return { maxSequenceTokens: Math.min(maxSequenceTokens, needed) };
}
