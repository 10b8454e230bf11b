import type { SimulatedRequest } from "../simulate/simulation.ts";
import type { TrafficRequest } from "../traffic/traffic-request.ts";

/** Traffic as a simulation takes it; those whose lengths are not known are left out. */
export function simulatedRequests(traffic: readonly TrafficRequest[]): {
  readonly requests: SimulatedRequest[];
  readonly leftOut: number;
} {
  const requests = traffic.flatMap(
    ({ arrivalMs, promptTokens, completionTokens, maxTokens, prefixBlocks, blockTokens }) =>
      promptTokens === undefined || completionTokens === undefined
        ? []
        : [
            {
              arrivalMs,
              promptTokens: Math.max(promptTokens, 1),
              completionTokens: Math.max(completionTokens, 1),
              maxTokens,
              prefixBlocks,
              blockTokens,
            },
          ],
  );
  return { requests, leftOut: traffic.length - requests.length };
}
