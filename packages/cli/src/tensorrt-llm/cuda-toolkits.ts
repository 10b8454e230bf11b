import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

export interface CudaToolkit {
  readonly root: string;
  /** Such as "13.0"; `undefined` where it does not say. */
  readonly version: string | undefined;
}

/**
 * The CUDA toolkits of this machine that have headers, the one that is built with first. Looked for in this order:
 * `given`, beside the package (as pip installs them), CUDA_HOME, /usr/local.
 */
export function cudaToolkits(packageRoot: string, given?: string): CudaToolkit[] {
  const sitePackages = dirname(packageRoot);
  const system = existsSync("/usr/local")
    ? readdirSync("/usr/local").filter((name) => /^cuda(-|$)/.test(name))
    : [];
  const folders = [
    given,
    join(sitePackages, "nvidia/cu13"),
    join(sitePackages, "nvidia/cuda_runtime"),
    process.env.CUDA_HOME,
    ...system.sort().map((name) => join("/usr/local", name)),
  ];
  const roots = folders.flatMap((folder) =>
    folder && existsSync(join(folder, "include/cuda_fp16.h")) ? [realpathSync(folder)] : [],
  );
  return [...new Set(roots)].map((root) => ({ root, version: versionOf(root) }));
}

function versionOf(root: string): string | undefined {
  for (const header of ["include/cuda.h", "include/cuda_runtime_api.h"]) {
    const path = join(root, header);
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    const number = Number(text.match(/^#define (?:CUDA_VERSION|CUDART_VERSION) +(\d+)/m)?.[1]);
    if (number > 0) return `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;
  }
  return undefined;
}
