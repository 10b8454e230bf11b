import { writeFile } from "node:fs/promises";
import {
  type AnswerLengths,
  analyzeTraffic,
  type Distribution,
  readTraffic,
  type TrafficAnalysis,
  trafficFormats,
  trafficReport,
  writeMooncakeTrace,
} from "@trtllm-node/tuning";
import { Command } from "commander";
import { formatNumber } from "../format-number.ts";
import { formatTable } from "../format-table.ts";
import { decimalNumber } from "../number-arguments.ts";
import { addServiceLevelOptions, type ServiceLevelFlags, serviceLevel } from "../service-level-flags.ts";

interface AnalyzeFlags extends ServiceLevelFlags {
  readonly warmUp: number;
  readonly html?: string;
  readonly mooncake?: string;
  readonly json?: true;
}

export function analyzeCommand(): Command {
  const command = new Command("analyze")
    .description("Tell what traffic is like: lengths, arrivals, shared beginnings, times")
    .argument("<file...>", `files of traffic: ${trafficFormats.join(", ")}`)
    .option("--warm-up <seconds>", "leave out what came before", decimalNumber({ min: 0 }), 0)
    .option("--html <path>", "write a page with plots")
    .option("--mooncake <path>", "write the requests as a Mooncake trace, which AIPerf replays")
    .option("--json", "print one JSON object")
    .action(analyze);
  return addServiceLevelOptions(command);
}

async function analyze(files: string[], flags: AnalyzeFlags): Promise<void> {
  const requests = await readTraffic(files);
  if (flags.mooncake !== undefined) await writeMooncakeTrace(flags.mooncake, requests);
  const analysis = analyzeTraffic(requests, {
    warmUpMs: flags.warmUp * 1000,
    serviceLevel: serviceLevel(flags),
  });
  if (flags.html !== undefined) await writeFile(flags.html, trafficReport(analysis, files.join(", ")));
  process.stdout.write(flags.json ? `${JSON.stringify(analysis)}\n` : describe(analysis));
}

function describe(analysis: TrafficAnalysis): string {
  const { requests, outcomes, arrivals, concurrency, prefixes, serviceLevel: level } = analysis;
  const rows: [string, string][] = [["requests", requests.toLocaleString("en")]];
  const add = (name: string, values: Distribution | AnswerLengths | undefined, unit: string) => {
    if (values !== undefined) rows.push([name, percentiles(values, unit)]);
  };
  const ends = Object.entries(outcomes).map(([outcome, count]) => `${outcome} ${count}`);
  if (ends.length > 0) rows.push(["ended", ends.join(", ")]);
  if (arrivals !== undefined) {
    const { rate, peakRate, squaredVariation } = arrivals;
    rows.push([
      "arrivals",
      `${formatNumber(rate)} a second, at most ${peakRate.second} within one; burstiness ${formatNumber(squaredVariation)} (random: 1)`,
    ]);
  }
  if (concurrency !== undefined) {
    const { mean, p50, p99, max } = concurrency;
    rows.push(["at once", `${formatNumber(mean)} in the mean, p50 ${p50}, p99 ${p99}, at most ${max}`]);
  }
  add("prompt", analysis.promptTokens, "tokens");
  add("answer", analysis.completionTokens, "tokens");
  add("both", analysis.sequenceTokens, "tokens");
  if (analysis.maxTokens?.reservation !== undefined) {
    rows.push(["allowed", `${formatNumber(analysis.maxTokens.reservation)} times the tokens that are used`]);
  }
  if (prefixes !== undefined) {
    const { endless, recordedHitRate } = prefixes;
    const found =
      recordedHitRate === undefined ? "" : `; found were ${formatNumber(100 * recordedHitRate)} %`;
    rows.push(["shared", `${formatNumber(100 * endless)} % of the prompts' tokens came before${found}`]);
  }
  add("queued", analysis.queueMs, "ms");
  add("first token", analysis.timeToFirstTokenMs, "ms");
  add("between tokens", analysis.interTokenMs, "ms");
  add("in all", analysis.totalMs, "ms");
  if (level !== undefined && level.judged > 0) {
    const share = formatNumber((100 * level.good) / level.judged);
    rows.push([
      "good",
      `${level.good} of ${level.judged} (${share} %), ${formatNumber(level.goodput)} a second`,
    ]);
  }
  return formatTable(rows);
}

function percentiles({ p50, p90, p99, max }: Distribution | AnswerLengths, unit: string): string {
  const known = Object.entries({ p50, p90, p99 }).map(
    ([name, estimate]) =>
      `${name} ${estimate === undefined ? "too few" : `${formatNumber(estimate.value)} (${formatNumber(estimate.low)} to ${formatNumber(estimate.high)})`}`,
  );
  return `${known.join(", ")}, at most ${formatNumber(max)} ${unit}`;
}
