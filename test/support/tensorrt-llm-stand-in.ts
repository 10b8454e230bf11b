import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Stands for the folder into which pip installs tensorrt_llm: the same files under the same names, of the synthetic
 * executor. native-shim/tests/stand_in builds it.
 */
export const standInSitePackages = fileURLToPath(
  new URL("../../native-shim/build/release/stand_in", import.meta.url),
);

/** A python3 that has the packages of `sitePackages` too. */
export async function pythonWith(sitePackages: string, folder: string): Promise<string> {
  const path = join(folder, "python");
  await writeFile(path, `#!/bin/sh\nPYTHONPATH="${sitePackages}" exec python3 "$@"\n`);
  await chmod(path, 0o755);
  return path;
}
