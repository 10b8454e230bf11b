import type { ExecutorOptions } from "@trtllm-node/core";
import { type Command, Option } from "commander";
import { decimalNumber, wholeNumber } from "./number-arguments.ts";

export interface ExecutorFlags {
  readonly maxBatchSize?: number;
  /** Offered by `serve` alone: nobody else has a queue. */
  readonly maxQueueSize?: number;
  readonly runner?: NonNullable<ExecutorOptions["embedded"]>["runner"];
  readonly threads?: number;
  readonly maxSequenceTokens?: number;
}

export interface SamplingFlags {
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed?: number;
}

export function addExecutorOptions(command: Command): Command {
  return command
    .option("--max-batch-size <count>", "most requests running at once", wholeNumber({ min: 1 }))
    .addOption(
      new Option("--runner <name>", "what computes in the embedded executor").choices([
        "auto",
        "llama.cpp",
        "openvino",
      ]),
    )
    .option("--threads <count>", "CPU threads of the embedded executor", wholeNumber({ min: 1 }))
    .option("--max-sequence-tokens <count>", "most tokens of prompt and answer", wholeNumber({ min: 2 }));
}

export function addSamplingOptions(command: Command): Command {
  return command
    .option("--max-tokens <count>", "most tokens to generate", wholeNumber({ min: 1 }))
    .option("--temperature <number>", "0 takes the likeliest token each time", decimalNumber({ min: 0 }))
    .option("--top-p <share>", "keep the likeliest tokens up to this sum", decimalNumber({ min: 0, max: 1 }))
    .option("--top-k <count>", "keep this many likeliest tokens, 0 for all", wholeNumber({ min: 0 }))
    .option("--seed <number>", "same seed, same answer", wholeNumber({ min: 0 }));
}

/** The executor's options among the flags. */
export function executorOptions({
  maxBatchSize,
  maxQueueSize,
  runner,
  threads,
  maxSequenceTokens,
}: ExecutorFlags) {
  // TensorRT-LLM refuses options of the embedded executor, so they are sent only where given.
  const embedded = {
    ...(runner && { runner }),
    ...(threads && { threads }),
    ...(maxSequenceTokens && { maxSequenceTokens }),
  };
  return { maxBatchSize, maxQueueSize, ...(Object.keys(embedded).length > 0 && { embedded }) };
}

/** The sampling options among the flags. */
export function samplingOptions({ maxTokens, temperature, topP, topK, seed }: SamplingFlags) {
  return { maxTokens, temperature, topP, topK, seed };
}
