/** A setting that cannot be built. */
export interface BuildProblem {
  /** Path in the configuration, such as "parallel.tensor". */
  readonly field: string;
  readonly value: unknown;
  /** What the value breaks, as a clause. */
  readonly rule: string;
  /** The nearest value that keeps the rule, where there is one. */
  readonly nearest?: unknown;
}

/** One sentence or two for people. */
export function describeProblem({ field, value, rule, nearest }: BuildProblem): string {
  const hint = nearest === undefined ? "" : ` Nearest valid value: ${JSON.stringify(nearest)}.`;
  return `${field} is ${JSON.stringify(value)}, but ${rule}.${hint}`;
}

/** The whole number nearest to `value`, from 1 to `max`, that `allowed` takes; the smaller of two. */
export function nearest(
  value: number,
  max: number,
  allowed: (candidate: number) => boolean,
): number | undefined {
  for (let distance = 0; distance < Math.max(value, max); distance++) {
    for (const candidate of [value - distance, value + distance]) {
      if (candidate >= 1 && candidate <= max && allowed(candidate)) return candidate;
    }
  }
  return undefined;
}
