import { BuildLog } from "../drivers/build-log.ts";
import { commandLine, runTool } from "../drivers/run-tool.ts";
import type { BuildEvent } from "./build-event.ts";
import type { StageRecord } from "./stage-record.ts";

export interface StageTool {
  readonly stage: "checkpoint" | "engine";
  readonly command: string;
  readonly args: readonly string[];
  /** Ranks that the tool makes one after the other. */
  readonly ranks: number;
  /** Where it runs and writes. */
  readonly folder: string;
}

/** Runs the tool of a stage, tells what its output means, and returns what is worth keeping of it. */
export async function runStageTool(
  { stage, command, args, ranks, folder }: StageTool,
  emit: (event: BuildEvent) => void,
  signal: AbortSignal | undefined,
): Promise<StageRecord> {
  const line = commandLine(command, args);
  emit({ kind: "command", stage, line });
  const log = new BuildLog(stage, ranks);
  const measures: Record<string, (number | null)[]> = {};
  const onLine = (text: string) => {
    emit({ kind: "output", stage, line: text });
    for (const event of log.read(text)) {
      if (event.kind === "milestone") {
        const message = ranks > 1 ? `rank ${event.rank}: ${event.name}` : event.name;
        emit({ kind: "progress", stage, message, fraction: event.fraction });
      } else if (event.kind === "measure") {
        measures[event.name] ??= Array(ranks).fill(null);
        measures[event.name]![event.rank] = event.value;
        emit({ ...event, stage });
      } else emit({ ...event, stage });
    }
  };
  await runTool({ command, args, cwd: folder, signal, onLine });
  return { command: line, measures };
}
