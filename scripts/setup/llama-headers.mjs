import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { llamaSource, root } from "./paths.mjs";
import { stampedStep } from "./stamped-step.mjs";

const carrier = join(root, "node_modules/node-llama-cpp");
const kept = ["include", "ggml/include", "vendor/nlohmann"];
const remedy = "Remove node_modules and run it again";

/** The headers that match the prebuilt libraries. */
export const llamaHeaders = stampedStep({
  title: "Unpacking llama.cpp's headers",
  name: "llama-headers",
  inputs: () => [join(carrier, "package.json")],
  outputs: [join(llamaSource, "include/llama.h")],
  async run() {
    const folder = `${llamaSource}.unfinished`;
    rmSync(folder, { recursive: true, force: true });
    try {
      await unpackLlamaSource(folder, kept);
      rmSync(llamaSource, { recursive: true, force: true });
      renameSync(folder, llamaSource);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
});

/**
 * Writes folders of llama.cpp's source into `folder`: node-llama-cpp carries its release as a git bundle.
 * @param {string} folder
 * @param {readonly string[]} paths
 */
export async function unpackLlamaSource(folder, paths) {
  const repository = `${folder}.git`;
  const archive = `${folder}.tar`;
  mkdirSync(folder, { recursive: true });
  try {
    const bundle = join(carrier, "llama/gitRelease.bundle");
    await runCommand("git", ["clone", "--quiet", "--bare", bundle, repository], { remedy });
    await runCommand("git", ["-C", repository, "archive", "--output", archive, "HEAD", ...paths], { remedy });
    await runCommand("tar", ["-xf", archive, "-C", folder], { remedy });
  } finally {
    for (const path of [repository, archive]) rmSync(path, { recursive: true, force: true });
  }
}
