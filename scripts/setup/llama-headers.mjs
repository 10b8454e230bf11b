import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { llamaSource, root } from "./paths.mjs";
import { stampedStep } from "./stamped-step.mjs";

const carrier = join(root, "node_modules/node-llama-cpp");
const kept = ["include", "ggml/include", "vendor/nlohmann"];
const remedy = "Remove node_modules and run it again";

/** The headers that match the prebuilt libraries: node-llama-cpp carries that release as a git bundle. */
export const llamaHeaders = stampedStep({
  title: "Unpacking llama.cpp's headers",
  name: "llama-headers",
  inputs: () => [join(carrier, "package.json")],
  outputs: [join(llamaSource, "include/llama.h")],
  async run() {
    const folder = `${llamaSource}.unfinished`;
    rmSync(folder, { recursive: true, force: true });
    try {
      const repository = join(folder, "llama.git");
      const archive = join(folder, "headers.tar");
      const headers = join(folder, "headers");
      mkdirSync(headers, { recursive: true });
      const bundle = join(carrier, "llama/gitRelease.bundle");
      await runCommand("git", ["clone", "--quiet", "--bare", bundle, repository], { remedy });
      await runCommand("git", ["-C", repository, "archive", "--output", archive, "HEAD", ...kept], {
        remedy,
      });
      await runCommand("tar", ["-xf", archive, "-C", headers], { remedy });
      rmSync(llamaSource, { recursive: true, force: true });
      renameSync(headers, llamaSource);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
});
