import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { root } from "./paths.mjs";
import { stampedStep } from "./stamped-step.mjs";

export const typescript = stampedStep({
  title: "Building the TypeScript packages",
  name: "typescript",
  inputs: () =>
    ["packages", "tsconfig.base.json", "turbo.json", "pnpm-lock.yaml"].map((name) => join(root, name)),
  outputs: [
    "core/dist/index.js",
    "kv-cache/dist/index.js",
    "runtime/dist/index.js",
    "telemetry/dist/index.js",
    "ai-sdk/dist/index.js",
    "langchain/dist/index.js",
    "engine-builder/dist/index.js",
    "server/dist/index.js",
    "tuning/dist/index.js",
    "cli/dist/main.js",
  ].map((name) => join(root, "packages", name)),
  async run(report) {
    await runCommand("turbo", ["run", "build"], {
      onLine: report,
      remedy: "Read the compiler's message above",
    });
  },
});
