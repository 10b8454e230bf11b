import { InvalidArgumentError } from "commander";

interface Range {
  readonly min: number;
  readonly max?: number;
}

/** Parser of a whole number for an option. */
export function wholeNumber(range: Range): (text: string) => number {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || !within(value, range)) {
      throw new InvalidArgumentError(`Expected a whole number ${describe(range)}.`);
    }
    return value;
  };
}

/** Parser of a decimal number for an option. */
export function decimalNumber(range: Range): (text: string) => number {
  return (text) => {
    const value = /^-?(\d+\.?\d*|\.\d+)(e-?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value) || !within(value, range)) {
      throw new InvalidArgumentError(`Expected a number ${describe(range)}.`);
    }
    return value;
  };
}

function within(value: number, { min, max = Number.POSITIVE_INFINITY }: Range): boolean {
  return value >= min && value <= max;
}

function describe({ min, max }: Range): string {
  return max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
}
