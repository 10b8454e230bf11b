/**
 * npm run bench:ffi [-- --rounds N]
 *
 * What the way from a C++ executor into JavaScript costs, with an executor that invents tokens: three ways to be
 * woken, the executor as it ships in-process and isolated, and the same tokens as server-sent events over loopback
 * HTTP. Every run is a process of its own; the
 * figures are medians of the rounds.
 */
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { execaNode } from "execa";
import type { Measured, Task } from "./drive.ts";
import type { ExecutorMeasured, ExecutorTask } from "./executor.ts";
import { type WakeUpName, wakeUps } from "./wake-ups.ts";

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  throw new Error(`--rounds is ${options.rounds}; expected a whole number of at least 1`);
}

const loads = {
  "256 streams, as fast as they go": { streams: 256, tokensPerStream: 8000, tokensPerSecond: 0 },
  "256 streams, 50,000 tokens/s": { streams: 256, tokensPerStream: 200, tokensPerSecond: 50_000 },
  "1 stream, 1,000 tokens/s": { streams: 1, tokensPerStream: 500, tokensPerSecond: 1000 },
};
const overHttp = { streams: 256, tokensPerStream: 400 };

async function run<T>(script: string, task: object): Promise<T> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { stdout } = await execaNode(path, [JSON.stringify(task)], {
    nodeOptions: ["--import", "tsx", "--conditions=@trtllm-node/source"],
  });
  return JSON.parse(stdout) as T;
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const medianOf = <T>(measured: readonly T[], value: (one: T) => number) => median(measured.map(value));

async function repeat<T>(runOnce: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let round = 0; round < rounds; round++) all.push(await runOnce());
  return all;
}

console.log(
  `${rounds} rounds, ${availableParallelism()} threads, ${cpus()[0]?.model}, Node ${process.version}\n`,
);
const table = new Table({
  head: [
    "load",
    "wake-up",
    "tokens/s",
    "tokens/s of one core",
    "event-loop delay p99, ms",
    "wake latency, µs",
    "tokens/chunk",
  ],
  style: { head: [], border: [] },
  wordWrap: true,
});
const round = (value: number, digits = 0) => value.toLocaleString("en", { maximumFractionDigits: digits });
let inProcess: Measured[] = [];
for (const [title, load] of Object.entries(loads)) {
  for (const wakeUp of Object.keys(wakeUps) as WakeUpName[]) {
    const task: Task = { ...load, wakeUp };
    const measured = await repeat(() => run<Measured>("drive.ts", task));
    if (wakeUp === "pipe" && load.tokensPerSecond === 0) inProcess = measured;
    table.push([
      title,
      wakeUp,
      round(medianOf(measured, (one) => one.tokensPerSecond)),
      round(medianOf(measured, (one) => one.tokensPerCpuSecond)),
      round(
        medianOf(measured, (one) => one.eventLoopDelayP99Ms),
        1,
      ),
      round(medianOf(measured, (one) => one.wakeLatencyUs)),
      round(
        medianOf(measured, (one) => one.tokensPerChunk),
        1,
      ),
    ]);
  }
}
console.log(table.toString());

const shipped = new Table({
  head: [
    "Executor, 256 streams",
    "tokens/s",
    "CPU s of Node per million",
    "event-loop delay p99, ms",
    "tokens/chunk",
  ],
  style: { head: [], border: [] },
});
const byIsolation = new Map<string, number>();
for (const isolation of ["none", "process"] as const) {
  const task: ExecutorTask = { isolation, streams: 256, tokensPerStream: 8000 };
  const measured = await repeat(() => run<ExecutorMeasured>("executor.ts", task));
  byIsolation.set(
    isolation,
    medianOf(measured, (one) => one.tokensPerSecond),
  );
  shipped.push([
    isolation === "none" ? "in-process" : "in a process of its own",
    round(byIsolation.get(isolation)!),
    ...[
      medianOf(measured, (one) => one.cpuSecondsPerMillion),
      medianOf(measured, (one) => one.eventLoopDelayP99Ms),
      medianOf(measured, (one) => one.tokensPerChunk),
    ].map((value) => round(value, 2)),
  ]);
}
console.log(shipped.toString());
console.log(`Isolated / in-process: ${round(byIsolation.get("process")! / byIsolation.get("none")!, 2)}`);

type OverHttp = Pick<Measured, "tokensPerSecond" | "tokensPerCpuSecond">;
const http = await repeat(() => run<OverHttp>("sse-client.ts", overHttp));
const ratio = (key: keyof OverHttp) =>
  round(medianOf(inProcess, (one) => one[key]) / medianOf(http, (one) => one[key]), 1);
console.log(
  `\nServer-sent events over loopback HTTP, read by the openai client, 256 streams: ` +
    `${round(medianOf(http, (one) => one.tokensPerSecond))} tokens/s, ` +
    `${round(medianOf(http, (one) => one.tokensPerCpuSecond))} per second of the client's CPU time. ` +
    `In-process is ${ratio("tokensPerSecond")} times as fast, and ${ratio("tokensPerCpuSecond")} times per second of ` +
    `CPU time, its own executor's included.`,
);
