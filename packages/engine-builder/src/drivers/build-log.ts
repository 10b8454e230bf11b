import { readOwnLine } from "./own-line.ts";

/** What a line of trtllm-build's, convert_checkpoint.py's or our own programs' output tells. */
export type LogEvent =
  | { readonly kind: "milestone"; readonly name: string; readonly rank: number; readonly fraction: number }
  | { readonly kind: "measure"; readonly name: MeasureName; readonly rank: number; readonly value: number }
  | { readonly kind: "warning" | "error"; readonly message: string };

/** Bytes; seconds where the name says so. */
export type MeasureName = "activationBytes" | "weightBytes" | "scratchBytes" | "engineSeconds";

/**
 * Lines that every rank prints in this order, and the part of its build that is then done. The parts are estimates:
 * TensorRT prints no percentage. Source of the lines: tensorrt_llm/builder.py, tensorrt_llm/commands/build.py, and
 * logs of public builds.
 */
const milestones: readonly (readonly [RegExp, string, number])[] = [
  [/Total time of constructing network/, "network constructed", 0.1],
  [/Total optimization profiles added/, "profiles added", 0.12],
  [/Total time to initialize the weights/, "weights loaded", 0.25],
  [/Build TensorRT engine/, "engine build started", 0.27],
  [/Detected \d+ inputs/, "tactics chosen", 0.75],
  [/Engine generation completed in/, "engine generated", 0.85],
  [/Total time of building Unnamed/, "engine built", 0.88],
  [/Serializing engine to .*rank\d+\.engine/, "writing engine", 0.9],
  [/Engine serialized\. Total time/, "engine written", 1],
];

const checkpointMilestones: readonly (readonly [RegExp, string, number])[] = [
  [/Total time of reading and converting/, "converted", 0.8],
  [/Total time of converting checkpoints/, "checkpoint written", 1],
];

const measures: readonly (readonly [RegExp, MeasureName])[] = [
  [/Total Activation Memory: (\d+)/, "activationBytes"],
  [/Total Weights Memory: (\d+)/, "weightBytes"],
  [/Total Scratch Memory: (\d+)/, "scratchBytes"],
  [/Engine generation completed in ([\d.]+) seconds/, "engineSeconds"],
];

/** `[11/24/2026-10:00:00] [TRT-LLM] [W] …`, also with a rank between, and TensorRT's own `[TRT] [E] …`. */
const severity = /\[TRT(?:-LLM)?\](?: \[(?:MPI_)?R(?:ank|ANK)[ _]\d+\])? \[([FEW])\] (.*)$/;

/**
 * Follows the output of one tool. Ranks are built one after the other, so what comes after an engine is the next's.
 * TensorRT prints to stdout and TensorRT-LLM to stderr, so lines of one may overtake those of the other.
 */
export class BuildLog {
  readonly #ranks: number;
  readonly #milestones: typeof milestones;
  /** How often each measure was seen: once for every rank. */
  readonly #measured = new Map<MeasureName, number>();
  #rank = 0;
  #fraction = 0;

  /** @param ranks engines that come; 1 for the tools that make a checkpoint */
  constructor(tool: "checkpoint" | "engine", ranks: number) {
    this.#ranks = ranks;
    this.#milestones = tool === "engine" ? milestones : checkpointMilestones;
  }

  /** What the line tells, if anything. `fraction` is of all ranks. */
  read(line: string): LogEvent[] {
    const own = readOwnLine(line);
    if (own !== undefined) return [own];
    const events: LogEvent[] = [];
    for (const [pattern, name] of measures) {
      const value = Number(pattern.exec(line)?.[1]);
      if (Number.isNaN(value)) continue;
      const rank = this.#measured.get(name) ?? 0;
      this.#measured.set(name, rank + 1);
      if (rank < this.#ranks) events.push({ kind: "measure", name, rank, value });
    }
    const milestone = this.#milestones.find(([pattern]) => pattern.test(line));
    if (milestone && this.#rank < this.#ranks) {
      const [, name, part] = milestone;
      const rank = this.#rank;
      this.#fraction = Math.max(this.#fraction, (rank + part) / this.#ranks);
      events.push({ kind: "milestone", name, rank, fraction: this.#fraction });
      if (part === 1) this.#rank++;
    }
    const [, letter, message] = severity.exec(line) ?? [];
    if (message !== undefined) events.push({ kind: letter === "W" ? "warning" : "error", message });
    return events;
  }
}
