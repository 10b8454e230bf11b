import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Check, check } from "../doctor/check.ts";
import { commandOutput } from "../doctor/command-output.ts";
import { cudaToolkits } from "./cuda-toolkits.ts";
import { libraryFolders, remedyFor } from "./library-folders.ts";
import { type PythonPackage, packageFile } from "./python-package.ts";
import { judgeRelease } from "./release.ts";
import { cachedLibraries, cxx11Abi, neededLibraries } from "./shared-library.ts";

/**
 * What a build over this TensorRT-LLM needs, each with its remedy. `required` where the build, or the library that it
 * makes, cannot do without it.
 */
export async function checkPackage(found: PythonPackage, cuda?: string): Promise<Check[]> {
  const { root, version } = found;
  const library = packageFile(root, "libs/libtensorrt_llm.so", "cpp/build/tensorrt_llm/libtensorrt_llm.so");
  const headers = packageFile(
    root,
    "include/tensorrt_llm/executor/executor.h",
    "cpp/include/tensorrt_llm/executor/executor.h",
  );
  return Promise.all([
    releaseCheck(found),
    check(
      {
        name: "TensorRT-LLM headers",
        required: true,
        missing: `no include/tensorrt_llm/executor/executor.h in ${root}`,
        fix: `python3 -m pip install --force-reinstall tensorrt_llm==${version}`,
      },
      () => headers && dirname(dirname(dirname(headers))),
    ),
    check(
      {
        name: "TensorRT-LLM library",
        required: true,
        missing: `no libs/libtensorrt_llm.so in ${root}`,
        fix: `python3 -m pip install --force-reinstall tensorrt_llm==${version}`,
      },
      () => library,
    ),
    ...(library === undefined ? [] : [abiCheck(library), neededCheck(library, root, cuda)]),
    toolkitCheck(library, root, cuda),
    check(
      {
        name: "MPI launcher",
        missing: "no mpirun on the PATH, which engines of several ranks are started with",
        fix: "sudo apt-get install openmpi-bin",
      },
      () => commandOutput("mpirun", "--version"),
    ),
  ]);
}

async function releaseCheck({ root, version, foundBy }: PythonPackage): Promise<Check> {
  const release = judgeRelease(version);
  const detail = `${version} in ${root}, found by ${foundBy}`;
  if (release.supported) return { name: "TensorRT-LLM", ok: true, required: true, detail };
  const refused = `${detail}; 1.0 to 1.2 are supported`;
  return { name: "TensorRT-LLM", ok: false, required: true, detail: refused, fix: release.fix };
}

/** A library of the other ABI would load, and then miss every function with a text in it. */
async function abiCheck(library: string): Promise<Check> {
  const thing = { name: "C++ ABI", required: true };
  try {
    const abi = await cxx11Abi(library);
    if (abi !== undefined) {
      const detail = `_GLIBCXX_USE_CXX11_ABI=${abi}, as the names that it exports say`;
      return { ...thing, ok: true, detail };
    }
    const fix = "python3 -m pip install --force-reinstall tensorrt_llm==1.2.1";
    return { ...thing, ok: false, detail: `${library} exports no tensorrt_llm::executor`, fix };
  } catch (error) {
    const fix = "sudo apt-get install binutils";
    return { ...thing, ok: false, detail: `nm cannot tell: ${(error as Error).message}`, fix };
  }
}

async function neededCheck(library: string, root: string, cuda: string | undefined): Promise<Check> {
  const name = "Libraries that it needs";
  try {
    const [needed, cached] = await Promise.all([neededLibraries(library), cachedLibraries()]);
    const folders = [dirname(library), ...libraryFolders(root, cuda)];
    const isThere = (file: string) =>
      cached.has(file) || folders.some((folder) => existsSync(join(folder, file)));
    const missing = needed.filter((file) => !isThere(file));
    if (missing.length === 0) {
      return { name, ok: true, required: true, detail: `all ${needed.length} are there` };
    }
    const fix = [...new Set(missing.map(remedyFor))].join(" && ");
    return { name, ok: false, required: true, detail: `not found: ${missing.join(", ")}`, fix };
  } catch (error) {
    const fix = "sudo apt-get install binutils";
    return { name, ok: false, required: true, detail: `readelf: ${(error as Error).message}`, fix };
  }
}

/** All toolkits are told, since the wrong one is the usual mistake. */
async function toolkitCheck(
  library: string | undefined,
  root: string,
  cuda: string | undefined,
): Promise<Check> {
  const name = "CUDA toolkit";
  const toolkits = cudaToolkits(root, cuda);
  const [used, ...others] = toolkits;
  if (used === undefined) {
    const fix = "python3 -m pip install nvidia-cuda-runtime nvidia-cuda-nvcc nvidia-cuda-cccl";
    return { name, ok: false, required: true, detail: "no cuda_fp16.h found", fix };
  }
  const told = ({ root: folder, version }: (typeof toolkits)[number]) => `${version ?? "?"} in ${folder}`;
  const unused = others.length > 0 ? `; not used: ${others.map(told).join(", ")}` : "";
  const detail = `${told(used)}${unused}`;
  const needed = library === undefined ? [] : await neededLibraries(library).catch(() => []);
  const major = needed.map((file) => file.match(/^libcu(?:blas|blasLt|dart)\.so\.(\d+)/)?.[1]).find(Boolean);
  if (major === undefined || used.version === undefined || used.version.startsWith(`${major}.`)) {
    return { name, ok: true, required: false, detail };
  }
  const fitting = others.find(({ version }) => version?.startsWith(`${major}.`));
  const fix = fitting
    ? `trtllm-node native build --cuda ${fitting.root}`
    : `sudo apt-get install cuda-toolkit-${major}-0`;
  return {
    name,
    ok: false,
    required: false,
    detail: `${detail}; this TensorRT-LLM is for CUDA ${major}`,
    fix,
  };
}
