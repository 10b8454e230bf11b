import { writeFile } from "node:fs/promises";
import { type EngineInfo, Executor, InvalidRequestError } from "@trtllm-node/core";
import { LLM } from "@trtllm-node/runtime";
import {
  buildLimits,
  calibrate,
  executorOptions,
  fittedStepTime,
  type LoadSummary,
  llmTarget,
  loadRequests,
  type Prediction,
  type Recommendation,
  readTraffic,
  recommend,
  runLoad,
  type SimulatedEngine,
  simulatedEngine,
  summarizeLoad,
  type TrafficRequest,
} from "@trtllm-node/tuning";
import { Command } from "commander";
import { formatNumber } from "../format-number.ts";
import { formatTable } from "../format-table.ts";
import { decimalNumber, wholeNumber } from "../number-arguments.ts";
import { addExecutorOptions, type ExecutorFlags, executorOptions as flagOptions } from "../options.ts";
import { addServiceLevelOptions, type ServiceLevelFlags, serviceLevel } from "../service-level-flags.ts";

interface TuneFlags extends ExecutorFlags, ServiceLevelFlags {
  readonly largestBatch?: number;
  readonly speed: number;
  readonly prove?: true;
  readonly write?: string;
  readonly json?: true;
}

export function tuneCommand(): Command {
  const command = new Command("tune")
    .description("Find the settings of an engine that serve most of your requests in time")
    .argument("<engine>", "GGUF file or engine directory")
    .argument("<file...>", "recorded traffic or a trace")
    .option("--largest-batch <count>", "most requests at once to look at", wholeNumber({ min: 1 }))
    .option(
      "--speed <factor>",
      "as if the traffic came so many times as fast",
      decimalNumber({ min: 0.001 }),
      1,
    )
    .option("--prove", "replay the traffic on the engine with the old and the new settings")
    .option("--write <path>", "write the limits as a build configuration (JSON)")
    .option("--json", "print one JSON object")
    .action(tune);
  return addServiceLevelOptions(addExecutorOptions(command));
}

async function tune(engine: string, files: string[], flags: TuneFlags): Promise<void> {
  const level = serviceLevel(flags);
  if (level === undefined) {
    throw new InvalidRequestError(
      "Say what a good request is: give --ttft, --itl or --total, in milliseconds.",
    );
  }
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort());
  const { signal } = interrupt;
  const recorded = await readTraffic(files);
  const traffic = faster(recorded, flags.speed);
  const options = flagOptions(flags);

  note("Measuring the steps of the engine …");
  const current = await settingsOf(engine, options);
  const largestBatch = flags.largestBatch ?? Math.max(4 * current.settings.maxBatchSize, 32);
  const stepTime = await stepTimes(engine, { ...options, maxBatchSize: largestBatch }, signal);

  note("Replaying the traffic with the settings of today, to check the simulation …");
  const target = { engine, format: current.format, signal };
  const before = await replay(target, current.settings, traffic, flags);
  const recommendation = recommend(before.requests, {
    engine: current.settings,
    stepTime,
    serviceLevel: level,
    largestBatch,
  });
  if (flags.write !== undefined) {
    await writeFile(flags.write, `${JSON.stringify(buildLimits(recommendation.engine), null, 2)}\n`);
  }
  let after: LoadSummary | undefined;
  if (flags.prove) {
    note("Replaying it with the new ones …");
    after = (await replay(target, recommendation.engine, traffic, flags)).summary;
  }
  const measured = { before: before.summary, ...(after && { after }) };
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ ...recommendation, options: executorOptions(recommendation.engine, current.format), measured })}\n`
      : describe(recommendation, measured),
  );
}

const note = (text: string) => process.stderr.write(`${text}\n`);

function faster(traffic: readonly TrafficRequest[], speed: number): TrafficRequest[] {
  const start = traffic[0]!.arrivalMs;
  return traffic.map((request) => ({ ...request, arrivalMs: (request.arrivalMs - start) / speed }));
}

async function settingsOf(engine: string, options: ReturnType<typeof flagOptions>) {
  await using executor = await Executor.create(engine, options);
  return { settings: simulatedEngine(executor.engine), format: executor.engine.format };
}

async function stepTimes(engine: string, options: ReturnType<typeof flagOptions>, signal: AbortSignal) {
  await using executor = await Executor.create(engine, options);
  // The embedded executor hands over a prompt's first token when its piece is computed.
  return fittedStepTime(await calibrate(executor, { signal }), executor.engine.format === "gguf");
}

interface ReplayTarget {
  readonly engine: string;
  readonly format: EngineInfo["format"];
  readonly signal: AbortSignal;
}

/** Sends the traffic, and tells what came of it, with the lengths and limits of the traffic. */
async function replay(
  { engine, format, signal }: ReplayTarget,
  settings: SimulatedEngine,
  traffic: readonly TrafficRequest[],
  flags: TuneFlags,
): Promise<{ readonly requests: TrafficRequest[]; readonly summary: LoadSummary }> {
  await using llm = await LLM.load(engine, { ...executorOptions(settings, format), signal });
  const requests = loadRequests(traffic, { vocabularySize: llm.engine.vocabularySize });
  const result = await runLoad(llmTarget(llm), requests, { signal });
  const prefixes = traffic.map(({ prefixBlocks, blockTokens }) => ({ prefixBlocks, blockTokens }));
  return {
    requests: result.requests.map((request, index) => ({ ...request, ...prefixes[index] })),
    summary: summarizeLoad(result, serviceLevel(flags)),
  };
}

function describe(
  { before, after, choices, simulated }: Recommendation,
  measured: { readonly before: LoadSummary; readonly after?: LoadSummary },
): string {
  const lines =
    choices.length === 0
      ? [`No other settings serve more of this traffic in time (${simulated} were simulated).`]
      : choices.map(({ setting, from, to, reason }) => `${setting}: ${from} → ${to}. ${capital(reason)}`);
  const rows = [
    [
      "",
      "simulated before",
      "simulated after",
      "measured before",
      ...(measured.after ? ["measured after"] : []),
    ],
    row(
      "good requests/s",
      ({ goodput }) => goodput,
      ({ goodput }) => goodput?.perSecond.value,
    ),
    row(
      "tokens/s",
      ({ tokensPerSecond }) => tokensPerSecond,
      ({ tokensPerSecond }) => tokensPerSecond,
    ),
    ...(["p50", "p90"] as const).map((p) =>
      row(
        `first token, ${p}, ms`,
        ({ timeToFirstTokenMs }) => timeToFirstTokenMs[p],
        ({ timeToFirstTokenMs }) => timeToFirstTokenMs?.[p]?.value,
      ),
    ),
    ...(["p50", "p99"] as const).map((p) =>
      row(
        `between tokens, ${p}, ms`,
        ({ interTokenMs }) => interTokenMs[p],
        ({ interTokenMs }) => interTokenMs?.[p],
      ),
    ),
  ];
  function row(
    name: string,
    simulatedValue: (prediction: Prediction) => number,
    measuredValue: (summary: LoadSummary) => number | undefined,
  ): string[] {
    const cells: (number | undefined)[] = [
      simulatedValue(before),
      simulatedValue(after),
      measuredValue(measured.before),
    ];
    if (measured.after !== undefined) cells.push(measuredValue(measured.after));
    return [name, ...cells.map((cell) => (cell === undefined ? "too few" : formatNumber(cell)))];
  }
  return `${lines.join("\n")}\n\n${formatTable(rows)}`;
}

function capital(sentence: string): string {
  return `${sentence[0]!.toUpperCase()}${sentence.slice(1)}`;
}
