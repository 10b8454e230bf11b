import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cache, nativeBuild } from "../setup/paths.mjs";
import { succeeds } from "./command.mjs";
import { countOne, countReports, readCtestReport, readVitestReport } from "./counts.mjs";

/** @typedef {{ title: string, run: () => import("./counts.mjs").Counts | Promise<import("./counts.mjs").Counts> }} Check */

const vitestReport = join(cache, "ci/vitest.json");
const ctestReport = join(nativeBuild, "junit.xml");

/** @type {Check} */
export const tests = {
  title: "Tests",
  run() {
    for (const report of [vitestReport, ctestReport]) rmSync(report, { force: true });
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${vitestReport}`];
    const passed = succeeds("npm", ["test", "--", ...reporters]);
    return countReports(passed, [readCtestReport(ctestReport), readVitestReport(vitestReport)]);
  },
};

export const lint = single("Lint and formatting", () => succeeds("npm", ["run", "lint"]));
export const types = single("Types", () => succeeds("npm", ["run", "typecheck"]));
export const unusedCode = single("Unused code and dependencies", () => succeeds("knip", []));
export const abiCheck = single("C header and its mirror in TypeScript", () =>
  succeeds("node", ["--import", "tsx", "scripts/check-abi.mjs"]),
);

/** What a consumer gets: the packed tarball of each package, as publint and attw see it. */
export const packages = [
  "core",
  "kv-cache",
  "runtime",
  "telemetry",
  "server",
  "ai-sdk",
  "langchain",
  "engine-builder",
  "tuning",
  "cli",
].map((name) =>
  single(`Package @trtllm-node/${name} as published`, () => {
    const tarball = join(cache, "ci", `${name}.tgz`);
    mkdirSync(join(cache, "ci"), { recursive: true });
    return (
      succeeds("pnpm", ["--dir", `packages/${name}`, "pack", "--out", tarball]) &&
      succeeds("publint", ["run", tarball, "--strict"]) &&
      // The command has no types to check.
      (name === "cli" || succeeds("attw", [tarball, "--profile", "node16"]))
    );
  }),
);

/**
 * A check that counts as one.
 * @param {string} title
 * @param {() => boolean} passes
 * @returns {Check}
 */
function single(title, passes) {
  return { title, run: () => countOne(passes()) };
}
