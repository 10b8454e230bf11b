import type { GenerationResult } from "@trtllm-node/runtime";
import Table from "cli-table3";
import { letter } from "./arrivals.ts";

const headings = [
  "",
  "prompt tokens",
  "new tokens",
  "first token ms",
  "inter-token ms",
  "total ms",
  "tokens/s",
  "KV blocks",
];

export function resultTable(results: readonly GenerationResult[]): string {
  const table = new Table({
    head: headings,
    colAligns: headings.map(() => "right" as const),
    style: { head: [], border: [] },
  });
  for (const [index, { usage, timings, kvBlocks }] of results.entries()) {
    table.push([
      letter(index),
      usage.promptTokens,
      usage.completionTokens,
      timings.timeToFirstTokenMs?.toFixed(0) ?? "–",
      timings.interTokenMs?.toFixed(1) ?? "–",
      timings.totalMs.toFixed(0),
      timings.tokensPerSecond.toFixed(1),
      kvBlocks.allocated,
    ]);
  }
  return table.toString();
}

export function summary(
  results: readonly GenerationResult[],
  seconds: number,
  peakKvBlocks: number,
  allKvBlocks: number,
): string {
  const tokens = results.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
  return (
    `${results.length} requests, ${tokens} new tokens in ${seconds.toFixed(1)} s: ` +
    `${(tokens / seconds).toFixed(0)} tokens/s together; at most ${peakKvBlocks} of ${allKvBlocks} KV blocks in use`
  );
}
