import { existsSync, readdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** Folders where the build looks for what TensorRT-LLM links, as native-shim/tensorrt_llm/library.cmake does. */
export function libraryFolders(packageRoot: string, cuda?: string): string[] {
  const sitePackages = dirname(packageRoot);
  const nvidia = join(sitePackages, "nvidia");
  const packaged = existsSync(nvidia) ? readdirSync(nvidia).map((name) => join(nvidia, name, "lib")) : [];
  const toolkits = [cuda, process.env.CUDA_HOME, "/usr/local/cuda"];
  return [
    join(sitePackages, "tensorrt_libs"),
    ...packaged,
    ...toolkits.flatMap((root) => (root ? [join(root, "lib64")] : [])),
    "/usr/lib/x86_64-linux-gnu/openmpi/lib",
    "/opt/hpcx/ompi/lib",
    ...(process.env.LD_LIBRARY_PATH ?? "").split(delimiter).filter(Boolean),
  ];
}

/** How to get a library that is missing, by the beginning of its name. */
const remedies: readonly (readonly [prefix: string, fix: string])[] = [
  ["libnvinfer", "python3 -m pip install 'tensorrt~=10.13.3'"],
  ["libmpi", "sudo apt-get install libopenmpi-dev openmpi-bin"],
  ["libnccl", "python3 -m pip install nvidia-nccl-cu13"],
  ["libcuda.so", "sudo apt-get install nvidia-driver"],
  ["libcu", "python3 -m pip install nvidia-cublas nvidia-curand nvidia-cuda-runtime"],
  ["libpython", "sudo apt-get install libpython3-dev"],
];

export function remedyFor(library: string): string {
  const known = remedies.find(([prefix]) => library.startsWith(prefix))?.[1];
  return known ?? "python3 -m pip install --force-reinstall tensorrt_llm==1.2.1";
}
