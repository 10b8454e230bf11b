import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { accelerator, cudaPackage, llamaLibraries, root } from "./paths.mjs";
import { SetupError } from "./setup-error.mjs";
import { stampedStep } from "./stamped-step.mjs";

const cpuPackage = join(root, "node_modules/@node-llama-cpp/linux-x64/package.json");

/** Fetched only where they are asked for: 140 MB, and of use only with an NVIDIA GPU. */
export const cudaLibraries = stampedStep({
  title: "Downloading llama.cpp's CUDA libraries (140 MB)",
  name: "cuda-libraries",
  inputs: () => [accelerator, cpuPackage],
  outputs: accelerator === "cuda" ? [join(llamaLibraries, "_nlcBuildMetadata.json")] : [],
  async run() {
    if (accelerator === "cpu") return;
    if (accelerator !== "cuda") {
      throw new SetupError(`TRTLLM_NODE_ACCELERATOR is "${accelerator}"`, 'Set it to "cpu" or "cuda"');
    }
    const { version } = JSON.parse(readFileSync(cpuPackage, "utf8"));
    const folder = `${cudaPackage}.unfinished`;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    try {
      const remedy = "Check the network and the npm registry setting (npm config get registry)";
      await runCommand(
        "npm",
        ["pack", `@node-llama-cpp/linux-x64-cuda@${version}`, "--pack-destination", folder],
        { remedy },
      );
      const archive = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
      await runCommand("tar", ["-xzf", join(folder, archive), "-C", folder], {
        remedy: "Check the free disk space",
      });
      rmSync(cudaPackage, { recursive: true, force: true });
      renameSync(join(folder, "package"), cudaPackage);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
});
