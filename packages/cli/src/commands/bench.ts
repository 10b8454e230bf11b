import { type ExecutorOptions, InvalidRequestError } from "@trtllm-node/core";
import { LLM } from "@trtllm-node/runtime";
import {
  type LoadRequest,
  type LoadSummary,
  type LoadTarget,
  llmTarget,
  loadRequests,
  openAiTarget,
  readTraffic,
  runLoad,
  summarizeLoad,
  type TrafficRequest,
  withArrivals,
} from "@trtllm-node/tuning";
import { Command } from "commander";
import { formatNumber } from "../format-number.ts";
import { formatTable } from "../format-table.ts";
import { decimalNumber, wholeNumber } from "../number-arguments.ts";
import { addExecutorOptions, type ExecutorFlags, executorOptions } from "../options.ts";
import { parseSettings } from "../parse-settings.ts";
import { readApiKeys } from "../read-api-keys.ts";
import { addServiceLevelOptions, type ServiceLevelFlags, serviceLevel } from "../service-level-flags.ts";

interface BenchFlags extends ExecutorFlags, ServiceLevelFlags {
  readonly compare: readonly string[];
  readonly traffic?: string[];
  readonly speed: number;
  readonly requests: number;
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly concurrency?: number;
  readonly rate?: number;
  readonly burstiness: number;
  readonly warmUp: number;
  readonly model?: string;
  readonly apiKeyFile?: string;
  readonly json?: true;
}

export function benchCommand(): Command {
  const count = wholeNumber({ min: 1 });
  const command = new Command("bench")
    .description("Put a load on an engine or a server, and measure what its clients see")
    .argument("<target>", "GGUF file, engine directory, or http(s) URL of an OpenAI-compatible server")
    .option(
      "--compare <other>",
      "another target, or settings of the same such as maxBatchSize=4,kvCache.maxTokens=8192; may be repeated",
      (other: string, others: readonly string[]) => [...others, other],
      [],
    )
    .option("--traffic <file...>", "replay recorded traffic or a trace, with its arrival times")
    .option("--speed <factor>", "replay so many times as fast", decimalNumber({ min: 0.001 }), 1)
    .option("--requests <count>", "without traffic: how many requests", count, 64)
    .option("--prompt-tokens <count>", "tokens of each prompt", count, 128)
    .option("--new-tokens <count>", "tokens of each answer", count, 64)
    .option("--concurrency <count>", "closed loop: so many at once (default: 8, without a rate)", count)
    .option("--rate <number>", "open loop: so many requests a second", decimalNumber({ min: 0.001 }))
    .option(
      "--burstiness <number>",
      "of the rate: 1 random, more bursts, 0 steady",
      decimalNumber({ min: 0 }),
      1,
    )
    .option("--warm-up <seconds>", "leave out what begins before", decimalNumber({ min: 0 }), 0)
    .option("--model <name>", "of a server (default: the first that it lists)")
    .option("--api-key-file <path>", "file that holds the API key of a server")
    .option("--json", "print one JSON object")
    .action(bench);
  return addServiceLevelOptions(addExecutorOptions(command));
}

/** Tokens above this are in no common vocabulary; servers do not tell theirs. */
const serverVocabulary = 32_000;

async function bench(target: string, flags: BenchFlags): Promise<void> {
  if (flags.concurrency !== undefined && (flags.rate !== undefined || flags.traffic !== undefined)) {
    throw new InvalidRequestError(
      "--concurrency is a closed loop, --rate and --traffic are open ones. Give one.",
    );
  }
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort());
  const traffic = flags.traffic && (await readTraffic(flags.traffic));
  const base = executorOptions(flags);
  const runs = [target, ...flags.compare].map((other) => {
    const settings = parseSettings(other);
    return settings === undefined
      ? { name: other, target: other, options: base }
      : { name: other, target, options: { ...base, ...settings } };
  });
  const results: { name: string; summary: LoadSummary }[] = [];
  for (const run of runs) {
    const summary = await measure(run, flags, traffic, interrupt.signal);
    results.push({ name: run.name, summary });
  }
  process.stdout.write(flags.json ? `${JSON.stringify(results)}\n` : describe(results));
}

async function measure(
  { target, options }: { readonly target: string; readonly options: ExecutorOptions },
  flags: BenchFlags,
  traffic: readonly TrafficRequest[] | undefined,
  signal: AbortSignal,
): Promise<LoadSummary> {
  await using opened = await open(target, options, flags, signal);
  const requests = makeRequests(flags, traffic, opened.vocabularySize);
  const open_ = flags.rate !== undefined || traffic !== undefined;
  const result = await runLoad(opened.target, requests, {
    concurrency: open_ ? undefined : (flags.concurrency ?? 8),
    warmUpMs: flags.warmUp * 1000,
    signal,
    onProgress: showProgress(opened.target.name),
  });
  return summarizeLoad(result, serviceLevel(flags));
}

interface OpenTarget extends AsyncDisposable {
  readonly target: LoadTarget;
  readonly vocabularySize: number;
}

async function open(
  target: string,
  options: ExecutorOptions,
  { model, apiKeyFile }: BenchFlags,
  signal: AbortSignal,
): Promise<OpenTarget> {
  if (/^https?:\/\//.test(target)) {
    const [apiKey] = apiKeyFile === undefined ? [] : await readApiKeys(apiKeyFile);
    const name = model ?? (await firstModel(target, apiKey, signal));
    return {
      target: openAiTarget({ baseUrl: target, model: name, apiKey }),
      vocabularySize: serverVocabulary,
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const llm = await LLM.load(target, { ...options, signal });
  return {
    target: llmTarget(llm),
    vocabularySize: llm.engine.vocabularySize,
    [Symbol.asyncDispose]: () => llm.dispose(),
  };
}

async function firstModel(baseUrl: string, apiKey: string | undefined, signal: AbortSignal): Promise<string> {
  const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const response = await fetch(`${baseUrl.replace(/\/+$/, "")}/models`, { headers, signal });
  const list = (await response.json()) as { data?: { id: string }[] };
  const first = list.data?.[0]?.id;
  if (first === undefined) throw new InvalidRequestError(`${baseUrl} lists no model. Name one with --model.`);
  return first;
}

function makeRequests(
  { requests: count, promptTokens, newTokens, rate, burstiness, speed }: BenchFlags,
  traffic: readonly TrafficRequest[] | undefined,
  vocabularySize: number,
): LoadRequest[] {
  if (traffic !== undefined) return loadRequests(traffic, { vocabularySize, speed });
  const same = Array.from({ length: count }, () => ({
    arrivalMs: 0,
    promptTokens,
    completionTokens: newTokens,
  }));
  const requests = loadRequests(same, { vocabularySize });
  return rate === undefined ? requests : withArrivals(requests, { rate, squaredVariation: burstiness });
}

function showProgress(name: string) {
  if (!process.stderr.isTTY) return undefined;
  return (ended: number, of: number) =>
    process.stderr.write(`\r${name}: ${ended} of ${of}${ended === of ? "\n" : ""}`);
}

const number = (value: number | undefined) => (value === undefined ? "–" : formatNumber(value));

function describe(results: readonly { readonly name: string; readonly summary: LoadSummary }[]): string {
  const row = (name: string, value: (summary: LoadSummary) => string) => [
    name,
    ...results.map(({ summary }) => value(summary)),
  ];
  const rows = [
    ["", ...results.map(({ name }) => name)],
    row("requests", ({ requests, failed }) => `${requests}${failed > 0 ? `, ${failed} failed` : ""}`),
    row("tokens/s", ({ tokensPerSecond }) => number(tokensPerSecond)),
    row("requests/s", ({ requestsPerSecond }) => number(requestsPerSecond)),
  ];
  for (const p of ["p50", "p90", "p99"] as const) {
    rows.push(row(`first token, ${p}, ms`, ({ timeToFirstTokenMs }) => interval(timeToFirstTokenMs?.[p])));
  }
  for (const p of ["p50", "p90", "p99"] as const) {
    rows.push(row(`between tokens, ${p}, ms`, ({ interTokenMs }) => number(interTokenMs?.[p])));
  }
  for (const p of ["p50", "p99"] as const) {
    rows.push(row(`in all, ${p}, ms`, ({ totalMs }) => interval(totalMs?.[p])));
  }
  if (results.some(({ summary }) => summary.goodput !== undefined)) {
    rows.push(row("good requests/s", ({ goodput }) => interval(goodput?.perSecond)));
  }
  if (results.some(({ summary }) => summary.failed > 0)) {
    rows.push(
      row("errors", ({ errors }) =>
        Object.entries(errors)
          .map(([code, n]) => `${code} ${n}`)
          .join(", "),
      ),
    );
  }
  return formatTable(rows);
}

function interval(
  estimate: { readonly value: number; readonly low: number; readonly high: number } | undefined,
): string {
  if (estimate === undefined) return "too few";
  return `${number(estimate.value)} (${number(estimate.low)} to ${number(estimate.high)})`;
}
