import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { xgrammarSource } from "./paths.mjs";
import { SetupError } from "./setup-error.mjs";
import { stampedStep } from "./stamped-step.mjs";

/** TensorRT-LLM's grammar library (Apache-2.0); with it come picojson (BSD-2-Clause) and DLPack (Apache-2.0). */
const sdist = {
  version: "0.1.25",
  sha256: "70ce16b27e8082f20808ed759b0733304316facc421656f0f30cfce514b5b77a",
};
const name = `xgrammar-${sdist.version}`;
const kept = [
  "PKG-INFO",
  "LICENSE",
  "NOTICE",
  "cpp",
  "include",
  "3rdparty/picojson",
  "3rdparty/dlpack/include",
];

export const xgrammar = stampedStep({
  title: "Downloading XGrammar's source (2 MB)",
  name: "xgrammar",
  inputs: () => [sdist.sha256, ...kept],
  outputs: [join(xgrammarSource, "include/xgrammar/xgrammar.h")],
  async run(report) {
    const folder = `${xgrammarSource}.unfinished`;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    try {
      const archive = await download(folder, report);
      const files = kept.map((path) => `${name}/${path}`);
      await runCommand("tar", ["-xzf", archive, "-C", folder, ...files], {
        remedy: "Check the free disk space, then run it again",
      });
      rmSync(xgrammarSource, { recursive: true, force: true });
      renameSync(join(folder, name), xgrammarSource);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
});

/**
 * @param {string} folder
 * @param {(line: string) => void} report
 */
async function download(folder, report) {
  await runCommand(
    "python3",
    ["-m", "pip", "download", "--no-deps", "--no-binary", "xgrammar", "--disable-pip-version-check"].concat([
      "--dest",
      folder,
      `xgrammar==${sdist.version}`,
    ]),
    {
      onLine: report,
      remedy: "Check the network and pip's index setting (python3 -m pip config list), then run it again",
    },
  );
  const archive = join(folder, `${name}.tar.gz`);
  const actual = createHash("sha256").update(readFileSync(archive)).digest("hex");
  if (actual !== sdist.sha256) {
    throw new SetupError(
      `${name}.tar.gz has SHA-256 ${actual}, expected ${sdist.sha256}`,
      "The package index served another file: check pip's index setting (python3 -m pip config list)",
    );
  }
  return archive;
}
