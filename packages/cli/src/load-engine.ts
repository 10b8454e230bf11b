import type { ExecutorOptions } from "@trtllm-node/core";
import { LLM } from "@trtllm-node/runtime";
import { type ExecutorFlags, executorOptions } from "./options.ts";

const barWidth = 24;

/** Opens an engine, with a progress bar where someone watches. */
export async function loadEngine(
  path: string,
  flags: ExecutorFlags,
  signal?: AbortSignal,
  more: ExecutorOptions = {},
): Promise<LLM> {
  const options = { ...executorOptions(flags), ...more, signal };
  if (!process.stderr.isTTY) return LLM.load(path, options);
  try {
    return await LLM.load(path, { ...options, onProgress: drawBar });
  } finally {
    process.stderr.write("\r\x1b[2K");
  }
}

/** @param fraction 0 to 1 */
function drawBar(fraction: number): void {
  const filled = Math.round(fraction * barWidth);
  const bar = "█".repeat(filled) + "░".repeat(barWidth - filled);
  process.stderr.write(`\rLoading ${bar} ${Math.round(fraction * 100)} %`);
}
