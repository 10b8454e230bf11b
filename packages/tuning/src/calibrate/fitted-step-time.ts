import type { StepTime, StepWork } from "../simulate/step-time.ts";
import { fitNonNegative } from "./least-squares.ts";

/** A step that was measured. */
export interface MeasuredStep extends Readonly<StepWork> {
  readonly ms: number;
}

/**
 * Step times by a model with coefficients of 0 or more:
 *
 *     ms = part x contextParts + token x contextTokens + pair x contextPairs
 *        + generation(generating) + kv x kvTokens
 *
 * `generation` is a line between the numbers of answers in `batches`, since kernels have sizes that suit them.
 */
export interface StepTimeModel {
  readonly part: number;
  readonly token: number;
  readonly pair: number;
  readonly kv: number;
  /** Ascending. */
  readonly batches: readonly number[];
  /** Milliseconds for each of them. */
  readonly batchMs: readonly number[];
  /** Of the steps that it was fitted to: half of them, and nine of ten, are at most so far off, as a share. */
  readonly error: { readonly p50: number; readonly p90: number };
}

/** A batch size that fewer steps had is not one of the line's corners. */
const enoughSteps = 6;

/** @param steps that vary in each of the features, with several of each of some batch sizes */
export function fitStepTime(steps: readonly MeasuredStep[]): StepTimeModel {
  const seen = new Map<number, number>();
  for (const { generating } of steps) seen.set(generating, (seen.get(generating) ?? 0) + 1);
  const batches = [...seen]
    .filter(([size, count]) => size > 0 && count >= enoughSteps)
    .map(([size]) => size)
    .sort((a, b) => a - b);
  const rows = steps.map((step) => [
    step.contextParts,
    step.contextTokens,
    step.contextPairs,
    step.kvTokens,
    ...shares(step.generating, batches),
  ]);
  const [part = 0, token = 0, pair = 0, kv = 0, ...batchMs] = fitNonNegative(
    rows,
    steps.map(({ ms }) => ms),
  );
  const model = { part, token, pair, kv, batches, batchMs };
  const time = fittedStepTime(model, false);
  const errors = steps.map((step) => Math.abs(time.ms(step) / step.ms - 1)).sort((a, b) => a - b);
  const at = (q: number) => errors[Math.ceil(q * errors.length) - 1] ?? 0;
  return { ...model, error: { p50: at(0.5), p90: at(0.9) } };
}

/** How much each batch size counts for one between two of them; beyond the last the line goes on. */
function shares(generating: number, batches: readonly number[]): number[] {
  const result = batches.map(() => 0);
  if (generating === 0 || batches.length === 0) return result;
  const above = Math.max(
    batches.findIndex((size) => size >= generating),
    0,
  );
  const to = batches.at(-1)! < generating ? batches.length - 1 : above;
  if (to === 0) result[0] = generating / batches[0]!;
  else {
    const [low, high] = [batches[to - 1]!, batches[to]!];
    result[to] = (generating - low) / (high - low);
    result[to - 1] = 1 - result[to]!;
  }
  return result;
}

export function fittedStepTime(
  { part, token, pair, kv, batches, batchMs }: Omit<StepTimeModel, "error">,
  deliversPartsInTurn: boolean,
): StepTime {
  const generation: number[] = [0];
  const generationMs = (generating: number) =>
    shares(generating, batches).reduce((sum, share, index) => sum + share * batchMs[index]!, 0);
  return {
    deliversPartsInTurn,
    ms({ contextParts, contextTokens, contextPairs, generating, kvTokens }) {
      generation[generating] ??= Math.max(generationMs(generating), 0);
      return (
        part * contextParts +
        token * contextTokens +
        pair * contextPairs +
        generation[generating]! +
        kv * kvTokens
      );
    },
  };
}
