import { spawnSync } from "node:child_process";
import { environment } from "../setup/command.mjs";
import { root } from "../setup/paths.mjs";

/**
 * Runs a command from the repository root, its output shown as it comes. True where it succeeds.
 * @param {string} command
 * @param {readonly string[]} args
 */
export function succeeds(command, args) {
  console.log(`$ ${[command, ...args].join(" ")}`);
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...environment, CI: "true" },
  });
  if (error) console.log(`${command} could not be started: ${error.message}`);
  return status === 0;
}
