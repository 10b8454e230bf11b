#!/usr/bin/env node
/**
 * Runs the native tests, then the TypeScript ones. Arguments go to vitest: npm test -- packages/core
 * Everything is run, whatever fails first.
 */
import { spawnSync } from "node:child_process";
import { environment } from "./setup/command.mjs";
import { nativeBuild, root } from "./setup/paths.mjs";

run("ctest", ["--test-dir", nativeBuild, "--output-on-failure", "--output-junit", "junit.xml"]);
run("vitest", ["run", ...process.argv.slice(2)]);

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", env: environment });
  if (error) console.error(`${command} could not be started: ${error.message}`);
  if (status !== 0) process.exitCode = 1;
}
