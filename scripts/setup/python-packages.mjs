import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { stampedStep } from "./stamped-step.mjs";

/**
 * A step that installs Python packages into a folder of their own, as PYTHONPATH takes it.
 * @param {object} options
 * @param {string} options.name of the stamp file
 * @param {string} options.title
 * @param {string} options.requirements file with exactly the packages to install
 * @param {string} options.folder
 * @param {string} options.output a file in the folder that must be there
 */
export function pythonPackages({ name, title, requirements, folder, output }) {
  return stampedStep({
    title,
    name,
    inputs: () => [requirements],
    outputs: [join(folder, output)],
    async run(report) {
      const unfinished = `${folder}.unfinished`;
      rmSync(unfinished, { recursive: true, force: true });
      const quiet = ["--disable-pip-version-check", "--root-user-action=ignore", "--no-warn-conflicts"];
      await runCommand(
        "python3",
        ["-m", "pip", "install", ...quiet, "--no-deps", "--target", unfinished, "-r", requirements],
        {
          onLine: report,
          remedy:
            "Python 3.11 or newer is needed; check the network and pip's index setting (python3 -m pip config list), " +
            "then run it again",
        },
      );
      rmSync(folder, { recursive: true, force: true });
      renameSync(unfinished, folder);
    },
  });
}
