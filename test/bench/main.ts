/**
 * npm run bench [-- --rounds N] [--model Q4_0|Q8_0|Q4_1] [--only TEXT]
 *
 * The model is Q4_0 on llama.cpp, Q8_0 on OpenVINO and for its peers, unless it is named. Comparisons with OpenVINO are
 * left out where set-up was told to.
 * Each comparison runs both sides one after the other, every round anew in processes of their own, and shows the
 * median of the rounds' ratios. Absolute figures mean little on another machine; ratios should hold.
 */
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { modelPath, type Quantization } from "../support/model.ts";
import { hasOpenVino, openVinoEngine } from "../support/openvino.ts";
import { type Comparison, comparisons, mean, type Ratio } from "./comparisons.ts";
import { type PeerName, runPeer } from "./peers.ts";
import type { Measurement } from "./workload.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    model: { type: "string" },
    only: { type: "string", default: "" },
  },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  throw new Error(`--rounds is ${options.rounds}; expected a whole number of at least 1`);
}
const named = options.model as Quantization | undefined;

/** What a peer loads in a comparison. */
function modelOf(peer: PeerName, { openvino }: Comparison): string {
  if (!openvino) return modelPath(named ?? "Q4_0");
  return peer === "raw llama.cpp" ? modelPath(named ?? "Q8_0") : openVinoEngine(named ?? "Q8_0");
}

interface Round {
  readonly ours: Measurement;
  readonly peer: Measurement;
}

const middle = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function runRound(comparison: Comparison, round: number): Promise<Round> {
  const { workload, peer } = comparison;
  const run = (name: PeerName) => runPeer(name, { ...workload, model: modelOf(name, comparison) });
  if (peer === undefined) {
    const ours = await run("trtllm-node");
    return { ours, peer: ours };
  }
  // Who goes first takes turns, so that a machine that slows down or warms up favours neither.
  const order = round % 2 === 0 ? (["trtllm-node", peer] as const) : ([peer, "trtllm-node"] as const);
  const measured = new Map([[order[0], await run(order[0])]]);
  measured.set(order[1], await run(order[1]));
  return { ours: measured.get("trtllm-node")!, peer: measured.get(peer)! };
}

function ratioRow(comparison: Comparison, ratio: Ratio, measured: readonly Round[]): string[] {
  const values = measured.map(({ ours, peer }) => ratio.value(ours, peer));
  const value = middle(values);
  const [bar, met] =
    "atLeast" in ratio.bar
      ? [`≥ ${ratio.bar.atLeast}`, value >= ratio.bar.atLeast]
      : [`≤ ${ratio.bar.atMost}`, value <= ratio.bar.atMost];
  const range = `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
  const figures = (side: keyof Round) =>
    figure(
      ratio,
      measured.map((round) => round[side]),
    );
  const peer = comparison.peer === undefined ? "itself" : `${comparison.peer}: ${figures("peer")}`;
  return [
    comparison.title,
    peer,
    comparison.peer === undefined ? "" : figures("ours"),
    `${ratio.of} ${value.toFixed(2)}`,
    range,
    bar,
    met ? "met" : "missed",
  ];
}

function figure({ of }: Ratio, measurements: readonly Measurement[]): string {
  if (of === "tokens/s") return `${middle(measurements.map((m) => m.tokensPerSecond)).toFixed(0)} tokens/s`;
  return `${middle(measurements.map((m) => mean(m.timeToFirstTokenMs))).toFixed(0)} ms`;
}

console.log(
  `${named ?? "Q4_0 on llama.cpp, Q8_0 on OpenVINO"}, ${rounds} rounds, ${availableParallelism()} threads, ${cpus()[0]?.model}, Node ${process.version}\n`,
);
const table = new Table({
  head: ["what", "peer", "trtllm-node", "ratio", "range", "bar", ""],
  style: { head: [], border: [] },
  wordWrap: true,
});
const javascript: number[] = [];
const withOpenVino = await hasOpenVino();
const chosen = comparisons.filter(
  ({ title, peer, openvino }) => `${title} ${peer}`.includes(options.only) && (withOpenVino || !openvino),
);
for (const comparison of chosen) {
  process.stdout.write(`${comparison.title}, against ${comparison.peer ?? "itself"} `);
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    measured.push(await runRound(comparison, round));
    process.stdout.write(".");
  }
  process.stdout.write("\n");
  javascript.push(...measured.map(({ ours }) => ours.javascriptMicrosecondsPerToken!));
  for (const ratio of comparison.ratios) table.push(ratioRow(comparison, ratio, measured));
}
console.log(`\n${table.toString()}`);
console.log(`JavaScript's own work per token: ${middle(javascript).toFixed(0)} µs (median of all runs)`);
