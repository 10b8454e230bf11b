import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { GuidedDecoding } from "@trtllm-node/core";

const program = fileURLToPath(new URL("../../native-shim/build/release/bin/guided_samples", import.meta.url));

export interface GuidedSample {
  readonly text?: string;
  readonly complete?: boolean;
  readonly error?: string;
}

/** A text for each guide, by the embedded executor on a model whose every token is about as likely as the next. */
export function guidedSamples(guides: readonly GuidedDecoding[], maxTokens: number): GuidedSample[] {
  const input = guides.map((guided, seed) => `${JSON.stringify({ guided, seed, maxTokens })}\n`).join("");
  const run = spawnSync(program, { input, encoding: "utf8", maxBuffer: 2 ** 28 });
  if (run.status !== 0) throw new Error(`${program} ended with ${run.status ?? run.signal}: ${run.stderr}`);
  return run.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as GuidedSample);
}
