import type { ServiceLevel } from "@trtllm-node/tuning";
import type { Command } from "commander";
import { decimalNumber } from "./number-arguments.ts";

export interface ServiceLevelFlags {
  readonly ttft?: number;
  readonly itl?: number;
  readonly total?: number;
}

export function addServiceLevelOptions(command: Command): Command {
  const milliseconds = decimalNumber({ min: 0 });
  return command
    .option("--ttft <ms>", "a good request has its first token in so many milliseconds", milliseconds)
    .option("--itl <ms>", "and so many between two tokens, in its mean", milliseconds)
    .option("--total <ms>", "and ends in so many", milliseconds);
}

/** `undefined` where no limit is given. */
export function serviceLevel({ ttft, itl, total }: ServiceLevelFlags): ServiceLevel | undefined {
  if (ttft === undefined && itl === undefined && total === undefined) return undefined;
  return { timeToFirstTokenMs: ttft, interTokenMs: itl, totalMs: total };
}
