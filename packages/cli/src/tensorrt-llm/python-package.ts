import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { execa } from "execa";

/** A tensorrt_llm package as pip installs it, or a source tree of TensorRT-LLM. */
export interface PythonPackage {
  /** Folder with `include` and `libs`. */
  readonly root: string;
  readonly version: string;
  /** Where it was found. */
  readonly foundBy: string;
}

export interface WhereToLook {
  /** The package's folder itself. */
  readonly root?: string | undefined;
  /** A Python that has it. */
  readonly python?: string | undefined;
}

/** Not by importing it, which starts MPI and takes many seconds. */
const locate = `
from importlib.metadata import version
from importlib.util import find_spec
spec = find_spec("tensorrt_llm")
print(spec.submodule_search_locations[0]); print(version("tensorrt_llm"))`;
const timeoutMs = 20_000;

/** Looks in the folder, else in the given Python, an active or local virtual environment, and the PATH's python3. */
export async function findPackage({ root, python }: WhereToLook = {}): Promise<PythonPackage | undefined> {
  if (root !== undefined) return packageAt(resolve(root));
  for (const candidate of pythons(python)) {
    const { failed, stdout } = await execa(candidate, ["-c", locate], {
      reject: false,
      timeout: timeoutMs,
      stdin: "ignore",
    });
    const [found, version] = stdout?.trim().split("\n") ?? [];
    if (!failed && found && version) return { root: found, version, foundBy: candidate };
  }
  return undefined;
}

function pythons(given: string | undefined): string[] {
  if (given !== undefined) return [given];
  const environments = [process.env.VIRTUAL_ENV, process.env.CONDA_PREFIX, ".venv"];
  const inEnvironments = environments.flatMap((folder) => (folder ? [resolve(folder, "bin/python")] : []));
  return [...inEnvironments.filter((path) => existsSync(path)), "python3"];
}

async function packageAt(root: string): Promise<PythonPackage | undefined> {
  for (const file of [join(root, "version.py"), join(root, "tensorrt_llm/version.py")]) {
    const version = (await readFile(file, "utf8").catch(() => "")).match(
      /^__version__\s*=\s*"([^"]+)"/m,
    )?.[1];
    if (version) return { root, version, foundBy: dirname(file) };
  }
  return undefined;
}

/** `undefined` where the package has no such file. */
export function packageFile(root: string, inWheel: string, inSource: string): string | undefined {
  return [join(root, inWheel), join(root, inSource)].find((path) => existsSync(path));
}
