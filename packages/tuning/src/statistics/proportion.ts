import { type Estimate, z95 } from "./quantile.ts";

/** A share of independent trials with its 95 % interval. Source: Wilson, 1927. `undefined` of no trials. */
export function proportion(successes: number, trials: number): Estimate | undefined {
  if (trials === 0) return undefined;
  const z2 = z95 ** 2;
  const share = successes / trials;
  const centre = (share + z2 / (2 * trials)) / (1 + z2 / trials);
  const spread =
    (z95 * Math.sqrt((share * (1 - share)) / trials + z2 / (4 * trials ** 2))) / (1 + z2 / trials);
  return { value: share, low: Math.max(centre - spread, 0), high: Math.min(centre + spread, 1) };
}
