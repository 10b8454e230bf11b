import type { LiveModel, LiveRequest, LiveSnapshot } from "@trtllm-node/telemetry";
import { gauge, sparkline } from "./sparkline.ts";

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

const sparkWidth = 40;
const stages: Record<LiveRequest["stage"], string> = {
  QUEUED: "waiting",
  CONTEXT_IN_PROGRESS: "prompt",
  GENERATION_IN_PROGRESS: "answer",
  GENERATION_COMPLETE: "done",
};

/** A screen of what a server's models are doing: lines that fit, without control codes. */
export function renderTop({ time, models }: LiveSnapshot, source: string, size: ScreenSize): string[] {
  const clock = new Date(time).toISOString().slice(11, 19);
  const lines = [
    `trtllm-node top   ${source}   ${clock} UTC`,
    ...models.flatMap((model) => ["", ...renderModel(model)]),
  ];
  return lines.slice(0, size.rows).map((line) => [...line].slice(0, size.columns).join(""));
}

function renderModel(model: LiveModel): string[] {
  const { name, engine, load, requests, tokens, latencies, series } = model;
  const failed = requests.ended.failed + requests.refused;
  const row = (title: string, text: string, values: readonly (number | null)[]) =>
    `${title.padEnd(15)}${text.padEnd(52)} ${sparkline(values, sparkWidth)}`;
  return [
    `${name} on ${engine.device}`,
    row(
      "requests",
      `${load.running} of ${load.maxBatch} running, ${load.waiting} waiting, ${failed} failed or refused`,
      series.running,
    ),
    row(
      "batch",
      `${load.batch}: ${load.context} prompts, ${load.generation} answers, ${load.paused} paused`,
      series.batch,
    ),
    row("KV cache", kvText(model), series.kvUsedBlocks),
    `${"".padEnd(15)}${kvMore(model)}`,
    row("first token", latencyText(latencies.timeToFirstTokenMs), series.timeToFirstTokenMs),
    row("between tokens", latencyText(latencies.interTokenMs), series.interTokenMs),
    row(
      "tokens",
      `${number(tokens.prompt)} in (${number(tokens.cachedPrompt)} cached), ${number(tokens.completion)} out, ` +
        `${(series.tokensPerSecond.at(-1) ?? 0).toFixed(0)} a second`,
      series.tokensPerSecond,
    ),
    "",
    ...requestTable(model.rows),
  ];
}

function kvText({ kvCache: { blocks } }: LiveModel): string {
  const part = blocks.used / blocks.total;
  return `${gauge(part, 20)} ${percent(part)}, ${blocks.used} of ${blocks.total} blocks`;
}

function kvMore({ kvCache: { cached, hitRate }, pressure }: LiveModel): string {
  const { secondsToExhaustion: left, evictedPerSecond } = pressure;
  const parts = [
    `hit rate ${percent(hitRate)}`,
    cached && `${cached.device} blocks reusable, ${cached.host} of ${cached.hostTotal} in host memory`,
    `${evictedPerSecond.toFixed(1)} evicted a second`,
    left !== null && `full in ${left.toFixed(0)} s`,
  ];
  return parts.filter(Boolean).join(", ");
}

function latencyText({ count, p50, p99 }: LiveModel["latencies"]["interTokenMs"]): string {
  return count > 0 ? `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms` : "none yet";
}

function requestTable(rows: readonly LiveRequest[] | undefined): string[] {
  if (rows === undefined) return ["Rows of requests need requestStatsMaxIterations of at least 1."];
  const header = ["id", "stage", "prompt", "reused", "tokens", "age"];
  const cells = rows.map((row) => [
    String(row.id),
    row.paused ? "paused" : stages[row.stage],
    String(row.contextPrefillPosition),
    String(row.reusedBlocksPerRequest),
    String(row.numGeneratedTokens),
    `${(row.ageMs / 1000).toFixed(1)} s`,
  ]);
  return [header, ...cells].map((line) => line.map((cell) => cell.padStart(9)).join(""));
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

function number(value: number): string {
  return value.toLocaleString("en");
}
