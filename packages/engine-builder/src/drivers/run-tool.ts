import { AbortedError } from "@trtllm-node/core";
import { execa } from "execa";
import { ToolError } from "../errors.ts";

export interface ToolRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Every line of stdout and stderr. */
  readonly onLine: (line: string) => void;
}

/** What the tool gets to end by itself before it is killed. */
const graceMs = 5000;
const keptLines = 40;

/**
 * Runs a program to its end, without a shell and in a process group of its own: its workers end with it.
 * @throws ToolError where it cannot be started, fails or is killed; AbortedError where `signal` ended it
 */
export async function runTool({ command, args, cwd, env, signal, onLine }: ToolRun): Promise<void> {
  if (signal?.aborted) throw new AbortedError(`${command} was not started.`, { cause: signal.reason });
  const child = execa(command, args, {
    ...{ cwd, env: { ...env }, reject: false, stdin: "ignore", detached: true, buffer: false, all: true },
  });
  const last: string[] = [];
  const abort = () => void endGroup(child.pid);
  signal?.addEventListener("abort", abort, { once: true });
  // Without this, the tool would outlive a process that ends in order.
  const exit = () => kill(child.pid, "SIGKILL");
  process.once("exit", exit);
  try {
    for await (const line of child.iterable({ from: "all" })) {
      if (last.push(line) > keptLines) last.shift();
      onLine(line);
    }
    const result = await child;
    if (signal?.aborted) throw new AbortedError(`${command} was ended.`, { cause: signal.reason });
    if (result.failed) throw new ToolError({ command, ...outcome(result), lastLines: last });
  } finally {
    process.off("exit", exit);
    signal?.removeEventListener("abort", abort);
    // What the tool left running, also where a listener threw.
    kill(child.pid, "SIGKILL");
  }
}

interface Ending {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly code?: string | undefined;
}

function outcome({ exitCode, signal, code }: Ending) {
  return { exitCode, signal, startError: exitCode === undefined && signal === undefined ? code : undefined };
}

async function endGroup(pid: number | undefined): Promise<void> {
  kill(pid, "SIGTERM");
  setTimeout(() => kill(pid, "SIGKILL"), graceMs).unref();
}

function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone.
  }
}

/** The command as a line that a POSIX shell takes. */
export function commandLine(command: string, args: readonly string[]): string {
  return [command, ...args]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}
