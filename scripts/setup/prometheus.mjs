import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { prometheusFolder } from "./paths.mjs";
import { SetupError } from "./setup-error.mjs";
import { stampedStep } from "./stamped-step.mjs";

const name = "prometheus";

/**
 * A Prometheus server, from Debian's package and without root. Where that cannot be had, the file `unavailable` says why,
 * and the one test that scrapes with it is skipped.
 */
export const prometheus = stampedStep({
  title: "Downloading a Prometheus server (19 MB)",
  name,
  inputs: () => [name],
  outputs: [prometheusFolder],
  async run(report) {
    const folder = `${prometheusFolder}.unfinished`;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, "lists/partial"), { recursive: true });
    const run = (/** @type {string} */ command, /** @type {string[]} */ args) =>
      runCommand(command, args, { remedy: "", onLine: report, cwd: folder });
    try {
      await download(run, folder);
      const archive = readdirSync(folder).find((file) => file.endsWith(".deb"));
      await run("dpkg-deb", ["--extract", archive ?? "", folder]);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      writeFileSync(join(folder, "unavailable"), error.message);
    }
    rmSync(prometheusFolder, { recursive: true, force: true });
    renameSync(folder, prometheusFolder);
  },
});

/** @param {(command: string, args: string[]) => Promise<string>} run @param {string} folder */
async function download(run, folder) {
  try {
    return await run("apt-get", ["download", name]);
  } catch {
    // The machine has no lists of packages, or old ones.
    const own = ["-o", `Dir::State::Lists=${join(folder, "lists")}`, "-o", `Dir::Cache=${folder}`];
    await run("apt-get", [...own, "update"]);
    return run("apt-get", [...own, "download", name]);
  }
}
