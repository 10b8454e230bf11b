import type { ExecutorLike, ExecutorRequest, IterationStats } from "@trtllm-node/core";
import { attentionPairs } from "../simulate/step-time.ts";
import { fitStepTime, type MeasuredStep, type StepTimeModel } from "./fitted-step-time.ts";

export interface CalibrationOptions {
  /** Aborting it ends the calibration. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the part that is done, 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

interface Experiment {
  readonly prompts: readonly number[];
  readonly newTokens: number;
  /** A prompt that comes when the others are generating. */
  readonly joining?: number;
}

/**
 * Measures how long the steps of an engine take, by asking it for prompts and batches of several sizes. Nothing else may
 * run on it meanwhile. Takes about a thousand steps.
 * @param executor loaded with `iterStatsMaxIterations` of at least 1000, as by default
 * @throws AbortedError; what submit throws
 */
export async function calibrate(
  executor: ExecutorLike,
  { signal, onProgress }: CalibrationOptions = {},
): Promise<StepTimeModel> {
  const experiments = plan(executor);
  const steps: MeasuredStep[] = [];
  let series = 0;
  executor.iterationStats();
  for (const [index, experiment] of experiments.entries()) {
    series += 1;
    const measured = await run(executor, experiment, series, signal);
    // The first warms up caches and threads.
    if (index > 0) steps.push(...measured);
    onProgress?.((index + 1) / experiments.length);
  }
  return fitStepTime(steps);
}

/** Sizes that double, up to the engine's limits. */
function plan({ engine }: ExecutorLike): Experiment[] {
  const { maxBatchSize, maxNumTokens, maxSequenceTokens, kvBlocks, tokensPerBlock } = engine;
  const longest = Math.min(maxSequenceTokens, kvBlocks * tokensPerBlock) - stepsOfBatch - 1;
  const prompts = doubling(16, longest).flatMap((length) => [length, Math.round(length * 1.5)]);
  const batches = [...new Set([...doubling(1, maxBatchSize), ...doubling(3, maxBatchSize), maxBatchSize])];
  const fitting = (length: number, batch: number) =>
    Math.min(length, longest, Math.floor((kvBlocks / batch - 1) * tokensPerBlock) - 2 * stepsOfBatch);
  return [
    { prompts: [Math.min(128, longest)], newTokens: 8 },
    ...prompts.filter((length) => length <= longest).map((length) => ({ prompts: [length], newTokens: 1 })),
    ...batches.flatMap((batch) =>
      // Long ones cost most of the time: at every second size.
      (Number.isInteger(Math.log2(batch)) ? [16, 512] : [16]).flatMap((length) => {
        const tokens = fitting(length, batch);
        if (tokens < 1 || (length > 16 && tokens <= 64)) return [];
        return [{ prompts: new Array<number>(batch).fill(tokens), newTokens: stepsOfBatch }];
      }),
    ),
    ...batches
      .filter((batch) => batch < maxBatchSize && fitting(16, batch + 1) >= 16)
      .map((batch) => ({
        prompts: new Array<number>(batch).fill(16),
        newTokens: stepsOfBatch,
        joining: Math.min(Math.round(maxNumTokens * 0.75), longest, fitting(maxNumTokens, batch + 1)),
      }))
      .filter(({ joining }) => joining >= 16),
  ];
}

const stepsOfBatch = 12;

function doubling(from: number, to: number): number[] {
  const sizes: number[] = [];
  for (let size = from; size <= to; size *= 2) sizes.push(size);
  return sizes;
}

async function run(
  executor: ExecutorLike,
  { prompts, newTokens, joining }: Experiment,
  series: number,
  signal: AbortSignal | undefined,
): Promise<MeasuredStep[]> {
  const submit = (length: number, index: number) =>
    executor.submit(request(executor, length, newTokens, series * 1000 + index, signal));
  const streams = prompts.map(submit);
  const results = streams.map(({ result }) => result);
  if (joining !== undefined) {
    // Once the last of them has its second token all are generating.
    let given = 0;
    for await (const { tokens } of streams.at(-1)!) {
      given += tokens.length;
      if (given >= 2 && results.length === streams.length)
        results.push(submit(joining, streams.length).result);
    }
  }
  await Promise.all(results);
  return measuredSteps(executor.iterationStats(), executor.engine.tokensPerBlock, prompts.length === 1);
}

/** Tokens that nobody sent before, so that nothing is found in the KV cache. End tokens do not end the answer. */
function request(
  { engine, vocabulary }: ExecutorLike,
  length: number,
  maxTokens: number,
  seed: number,
  signal: AbortSignal | undefined,
): ExecutorRequest {
  let state = seed * 2654435761;
  const tokens = Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % engine.vocabularySize;
  });
  const badWords = vocabulary?.endIds.map((id) => [id]);
  return { tokens, maxTokens, sampling: badWords === undefined ? {} : { badWords }, signal };
}

/** @param onePrompt whether what a piece of a prompt sees is known: all pieces before it */
function measuredSteps(
  iterations: readonly IterationStats[],
  tokensPerBlock: number,
  onePrompt: boolean,
): MeasuredStep[] {
  let past = 0;
  return iterations.flatMap(({ iterLatencyMS, inflightBatchingStats, kvCacheStats }) => {
    if (inflightBatchingStats === undefined || kvCacheStats === undefined) return [];
    const { numContextRequests, numCtxTokens, numGenRequests } = inflightBatchingStats;
    if (numContextRequests + numGenRequests === 0) return [];
    const pairs = attentionPairs(numCtxTokens, past);
    if (onePrompt) past += numCtxTokens;
    // Several prompts in a step: what each sees is not known.
    if (numContextRequests > 1 || (!onePrompt && numContextRequests === 1 && numGenRequests === 0)) return [];
    const used = kvCacheStats.usedNumBlocks * tokensPerBlock;
    return [
      {
        contextParts: numContextRequests,
        contextTokens: numCtxTokens,
        contextPairs: numContextRequests > 0 ? pairs : 0,
        generating: numGenRequests,
        // The last block of each is half full in the mean.
        kvTokens:
          numGenRequests === 0
            ? 0
            : Math.max(used - numCtxTokens - (numGenRequests * tokensPerBlock) / 2, numGenRequests),
        ms: iterLatencyMS,
      },
    ];
  });
}
