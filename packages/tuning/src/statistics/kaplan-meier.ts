import { type Estimate, isSufficient, z95 } from "./quantile.ts";

/** A length, and whether it would have been longer. */
export interface Lifetime {
  readonly length: number;
  readonly censored: boolean;
}

interface Step {
  readonly length: number;
  /** Share of lengths beyond it. */
  readonly survival: number;
  /** Greenwood's sum of deaths / (atRisk (atRisk - deaths)). */
  readonly greenwood: number;
}

/**
 * How long answers are when some were cut off: the Kaplan-Meier estimate. A mean of the lengths that were seen, or
 * their quantiles, would be too low.
 * Source: Kaplan and Meier, 1958; intervals by Greenwood's variance on the log(-log) scale (Kalbfleisch and Prentice).
 */
export class Survival {
  readonly count: number;
  readonly censored: number;
  readonly longest: number;
  readonly #steps: readonly Step[];

  constructor(lifetimes: readonly Lifetime[]) {
    this.count = lifetimes.length;
    this.censored = lifetimes.filter(({ censored }) => censored).length;
    const sorted = [...lifetimes].sort((a, b) => a.length - b.length);
    this.longest = sorted.at(-1)?.length ?? 0;
    this.#steps = steps(sorted);
  }

  /** Share of answers that are longer than `length`; `undefined` beyond what was seen of uncut ones. */
  beyond(length: number): number | undefined {
    const step = this.#steps.findLast((each) => each.length <= length);
    if (length >= this.longest && (this.#steps.at(-1)?.survival ?? 1) > 0) return undefined;
    return step?.survival ?? 1;
  }

  /** The smallest length that a share `q` of answers does not exceed; `undefined` where cut ones hide it. */
  quantile(q: number): Estimate | undefined {
    const beyond = 1 - q;
    const at = (share: (step: Step) => number) =>
      this.#steps.find((step) => share(step) <= beyond + 1e-12)?.length;
    const value = at(({ survival }) => survival);
    if (value === undefined || !isSufficient(this.count, q)) return undefined;
    return {
      value,
      low: at((step) => bound(step, 1)) ?? value,
      high: at((step) => bound(step, -1)) ?? this.longest,
    };
  }

  /** Mean of min(length, longest): the area under the curve. Equal to the mean where nothing was cut. */
  get restrictedMean(): number {
    let [area, from, survival] = [0, 0, 1];
    for (const step of this.#steps) {
      area += survival * (step.length - from);
      [from, survival] = [step.length, step.survival];
    }
    return area + survival * (this.longest - from);
  }
}

function steps(sorted: readonly Lifetime[]): Step[] {
  const result: Step[] = [];
  let [survival, greenwood] = [1, 0];
  for (let index = 0; index < sorted.length; ) {
    const { length } = sorted[index]!;
    const atRisk = sorted.length - index;
    let deaths = 0;
    for (; index < sorted.length && sorted[index]!.length === length; index += 1) {
      deaths += sorted[index]!.censored ? 0 : 1;
    }
    if (deaths === 0) continue;
    survival *= 1 - deaths / atRisk;
    greenwood += atRisk > deaths ? deaths / (atRisk * (atRisk - deaths)) : 0;
    result.push({ length, survival, greenwood });
  }
  return result;
}

/** Of the survival: the lower bound for sign 1, the upper for -1. */
function bound({ survival, greenwood }: Step, sign: 1 | -1): number {
  if (survival <= 0 || survival >= 1) return survival;
  const error = (z95 * Math.sqrt(greenwood)) / Math.abs(Math.log(survival));
  return survival ** Math.exp(sign * error);
}
