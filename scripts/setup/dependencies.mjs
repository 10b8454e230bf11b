import { readdirSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { root } from "./paths.mjs";
import { stampedStep } from "./stamped-step.mjs";

const pnpm = "pnpm@10.34.9";

const manifests = ["", "examples", ...readdirSync(join(root, "packages")).map((name) => `packages/${name}`)];
export const dependencies = stampedStep({
  title: "Installing dependencies",
  name: "dependencies",
  inputs: () => [
    process.version,
    ...["pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc"].map((name) => join(root, name)),
    ...manifests.map((folder) => join(root, folder, "package.json")),
  ],
  outputs: [join(root, "node_modules/.modules.yaml")],
  async run(report) {
    await runCommand("npx", ["--yes", pnpm, "install", "--frozen-lockfile", "--reporter=append-only"], {
      // pnpm asks before it replaces node_modules, except in CI.
      env: { CI: "true" },
      onLine: report,
      remedy: "Check the network and the npm registry setting (npm config get registry), then run it again",
    });
  },
});
