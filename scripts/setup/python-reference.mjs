import { renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "./command.mjs";
import { pythonReference } from "./paths.mjs";
import { stampedStep } from "./stamped-step.mjs";

const requirements = join(dirname(fileURLToPath(import.meta.url)), "python-reference.txt");

/** Hugging Face's Python libraries, whose answers the tests compare with. Nothing but the tests needs them. */
export const pythonLibraries = stampedStep({
  title: "Installing the Python libraries that the tests compare with",
  name: "python-reference",
  inputs: () => [requirements],
  outputs: [join(pythonReference, "tokenizers/__init__.py")],
  async run(report) {
    const unfinished = `${pythonReference}.unfinished`;
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
    rmSync(pythonReference, { recursive: true, force: true });
    renameSync(unfinished, pythonReference);
  },
});
