import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { KvCacheEvent } from "@trtllm-node/core";

const program = fileURLToPath(new URL("../../native-shim/build/release/bin/kv_histories", import.meta.url));

export interface KvHistory {
  readonly tokensPerBlock: number;
  readonly steps: readonly KvHistoryStep[];
}

export interface KvHistoryStep {
  /** Since the step before. */
  readonly events: readonly KvCacheEvent[];
  /** Every block in the executor's tree: the tokens of each block from the sequence's beginning up to it. */
  readonly cached: readonly { readonly blocks: readonly (readonly number[])[]; readonly level: number }[];
  readonly prompt: readonly number[];
}

/** Random histories of the embedded executor's KV cache, each with what its tree holds after every step. */
export function kvHistories(count: number): KvHistory[] {
  const run = spawnSync(program, [String(count)], { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (run.status !== 0) throw new Error(`${program} ended with ${run.status ?? run.signal}: ${run.stderr}`);
  return run.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as KvHistory);
}
