import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const source = ["--import", "tsx", "--conditions=@trtllm-node/source"];
const timeoutMs = 60_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** stdout and stderr. */
  readonly output: string;
}

/** Runs an ES module in a Node process of its own, with the packages' sources; resolves when it has ended. */
export function inChild(script: string, flags: readonly string[] = []): Promise<Ended> {
  return runNode([...flags, ...source, "--input-type=module", "--eval", script]);
}

export function runNode(args: readonly string[], { cwd = root } = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd, timeout: timeoutMs };
    const child = execFile(process.execPath, args, options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, signal: child.signalCode, output: stdout + stderr });
    });
  });
}
