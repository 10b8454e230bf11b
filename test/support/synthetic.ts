import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

type Fault = "segfault" | "abort" | "exit" | "hang" | "exception";

/** Script of the synthetic executor; native-shim/synthetic/script.h describes each field. */
export interface SyntheticScript {
  readonly stepDelayMs?: number;
  readonly tokensPerSecond?: number;
  readonly tokensPerResponse?: number;
  readonly vocabularySize?: number;
  readonly maxSequenceTokens?: number;
  readonly vocabulary?: boolean;
  readonly progress?: readonly number[];
  readonly loadUntilStopped?: boolean;
  readonly loadError?: string;
  readonly noMemory?: boolean;
  readonly loadFault?: Fault;
  readonly fault?: Fault;
  readonly faultAfterSteps?: number;
}

/** First token of a prompt that asks the synthetic executor for something special. */
export const syntheticPrompt = {
  error: 900,
  endless: 901,
  deaf: 902,
  breakEnqueue: 910,
  breakAwait: 912,
  noFinal: 914,
  segfault: 915,
  abort: 916,
  exit: 917,
  hang: 918,
  lora: 919,
} as const;

export const syntheticLibrary = fileURLToPath(
  new URL("../../native-shim/build/lib/libtrtllm_shim_synthetic.so", import.meta.url),
);

export interface SyntheticEngine extends Disposable {
  readonly path: string;
}

/** An engine file that says what the synthetic executor does. */
export function syntheticEngine(script: SyntheticScript = {}): SyntheticEngine {
  const folder = mkdtempSync(join(tmpdir(), "synthetic-"));
  const path = join(folder, "engine.json");
  writeFileSync(path, JSON.stringify(script));
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
