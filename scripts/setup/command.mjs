import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { root } from "./paths.mjs";
import { SetupError } from "./setup-error.mjs";

const linesShownOnFailure = 40;

/** The environment with the workspace's own commands on the PATH first. */
export const environment = {
  ...process.env,
  PATH: [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter),
  TURBO_TELEMETRY_DISABLED: "1",
};

/**
 * Runs a command, from the repository root unless `cwd` says otherwise, and resolves with what it printed.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ remedy: string, cwd?: string, env?: Record<string, string>, onLine?: (line: string) => void }} options
 * @returns {Promise<string>}
 */
export function runCommand(command, args, { remedy, cwd = root, env, onLine }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...environment, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (/** @type {string} */ text) => {
        output += text;
        const last = text.trimEnd().split("\n").at(-1);
        if (last) onLine?.(last);
      });
    }
    child.on("error", (cause) => {
      reject(new SetupError(`\`${command}\` could not be started: ${cause.message}`, remedy));
    });
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(output);
      const tail = output.trimEnd().split("\n").slice(-linesShownOnFailure).join("\n");
      const line = [command, ...args].join(" ");
      reject(new SetupError(`\`${line}\` ended with ${signal ?? `exit code ${code}`}:\n${tail}`, remedy));
    });
  });
}
