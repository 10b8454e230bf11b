import { fileURLToPath } from "node:url";
import { execa } from "execa";

const root = fileURLToPath(new URL("../..", import.meta.url));
const source = ["--import", "tsx", "--conditions=@trtllm-node/source", "packages/cli/src/main.ts"];
const throughTerminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

interface Surroundings {
  /** What stdin says. Default: nothing. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the trtllm-node command from source. Does not reject where it fails. */
export function runCli(args: readonly string[], { input = "", env = {} }: Surroundings = {}) {
  return execa(process.execPath, [...source, ...args], { cwd: root, reject: false, input, env });
}

/** Runs it on a terminal of its own: stdin of the child process is its keyboard, stdout its screen. */
export function runCliOnTerminal(args: readonly string[]) {
  const command = [process.execPath, ...source, ...args];
  return execa("python3", ["-c", throughTerminal, ...command], { cwd: root, reject: false });
}

/** Resolves once `stream` has said something that matches, of what it says from now on. */
export async function heard(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<string> {
  let said = "";
  return new Promise((resolve, reject) => {
    const listen = (chunk: Buffer | string) => {
      said += chunk;
      if (!pattern.test(said)) return;
      stream.off("data", listen);
      resolve(said);
    };
    stream.on("data", listen);
    stream.once("end", () => reject(new Error(`Ended before ${pattern} was said, after: ${said}`)));
  });
}
