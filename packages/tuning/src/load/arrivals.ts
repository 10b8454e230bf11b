import { randomNumbers } from "../random.ts";
import type { LoadRequest } from "./load-request.ts";

/** How requests come that are not replayed. */
export interface ArrivalProcess {
  /** Requests a second. */
  readonly rate: number;
  /**
   * Squared variation of the time between arrivals: 1 is a Poisson process, more comes in bursts, 0 is a steady beat.
   * Gamma-distributed times. Default 1.
   */
  readonly squaredVariation?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/** The requests, with new arrival times. */
export function withArrivals(
  requests: readonly LoadRequest[],
  { rate, squaredVariation = 1, seed = 0 }: ArrivalProcess,
): LoadRequest[] {
  const uniform = randomNumbers(seed);
  const mean = 1000 / rate;
  let now = 0;
  return requests.map((request) => {
    const arrivalMs = now;
    now += squaredVariation === 0 ? mean : gamma(1 / squaredVariation, uniform) * mean * squaredVariation;
    return { ...request, arrivalMs };
  });
}

/** Marsaglia and Tsang, A simple method for generating gamma variables, 2000. Of scale 1. */
function gamma(shape: number, uniform: () => number): number {
  if (shape < 1) return gamma(shape + 1, uniform) * uniform() ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const v = (1 + c * normal) ** 3;
    if (v > 0 && Math.log(uniform()) < 0.5 * normal ** 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}
