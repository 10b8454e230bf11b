import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { runCommand } from "./command.mjs";
import { unpackLlamaSource } from "./llama-headers.mjs";
import { cudaLibrary, root } from "./paths.mjs";
import { SetupError } from "./setup-error.mjs";
import { stampedStep } from "./stamped-step.mjs";

/** TRTLLM_NODE_CUDA: "prebuilt" fetches the library of npm's package, "build" compiles it for this machine's GPU. */
export const cuda = process.env.TRTLLM_NODE_CUDA ?? "";
const cpuPackage = join(root, "node_modules/@node-llama-cpp/linux-x64/package.json");

const making = stampedStep({
  title:
    cuda === "build"
      ? "Compiling llama.cpp's CUDA backend (minutes)"
      : "Downloading llama.cpp's CUDA backend (140 MB)",
  name: "cuda-library",
  inputs: () => [cuda, cpuPackage],
  outputs: cuda === "" ? [] : [cudaLibrary],
  async run(report) {
    const folder = dirname(cudaLibrary);
    const unfinished = `${folder}.unfinished`;
    for (const path of [folder, unfinished]) rmSync(path, { recursive: true, force: true });
    if (cuda === "") return;
    const make = { prebuilt: download, build: compile }[cuda];
    if (make === undefined) {
      throw new SetupError(
        `TRTLLM_NODE_CUDA is "${cuda}"`,
        'Set it to "prebuilt" or "build", or leave it out for the CPU',
      );
    }
    mkdirSync(unfinished, { recursive: true });
    try {
      const library = await make(unfinished, report);
      mkdirSync(folder, { recursive: true });
      renameSync(library, cudaLibrary);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  },
});

/** @type {import("./steps.mjs").Step} */
export const cudaBackend = {
  ...making,
  fresh: () => (cuda === "" ? !existsSync(cudaLibrary) : making.fresh()),
};

/** @param {string} folder */
async function download(folder) {
  const { version } = JSON.parse(readFileSync(cpuPackage, "utf8"));
  await runCommand(
    "npm",
    ["pack", `@node-llama-cpp/linux-x64-cuda@${version}`, "--pack-destination", folder],
    {
      remedy: "Check the network and the npm registry setting (npm config get registry), then run it again",
    },
  );
  const archive = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
  await runCommand("tar", ["-xzf", join(folder, archive), "-C", folder], {
    remedy: "Check the free disk space",
  });
  return join(folder, "package/bins/linux-x64-cuda/libggml-cuda.so");
}

/**
 * @param {string} folder
 * @param {(line: string) => void} report
 */
async function compile(folder, report) {
  const source = join(folder, "source");
  await unpackLlamaSource(source, [
    "CMakeLists.txt",
    "cmake",
    "ggml",
    "include",
    "src",
    "vendor",
    "LICENSE",
    "licenses",
  ]);
  const build = join(folder, "build");
  const remedy =
    "Read the message above; the CUDA toolkit (nvcc) of the driver's version, or older, is needed";
  await runCommand(
    "cmake",
    [
      ...["-S", source, "-B", build, "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=ON"],
      ...["-DGGML_BACKEND_DL=ON", "-DGGML_CPU=OFF", "-DGGML_CUDA=ON", "-DCMAKE_CUDA_ARCHITECTURES=native"],
      // The prebuilt libggml-base.so, which it is loaded beside, has no version in its name.
      "-DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON",
      ...["COMMON", "TESTS", "TOOLS", "EXAMPLES", "SERVER", "APP"].map((part) => `-DLLAMA_BUILD_${part}=OFF`),
    ],
    { onLine: report, remedy },
  );
  await runCommand("cmake", ["--build", build, "--target", "ggml-cuda", "--parallel"], {
    onLine: report,
    remedy,
  });
  const found = readdirSync(build, { recursive: true, encoding: "utf8" });
  return join(build, found.find((name) => name.endsWith("libggml-cuda.so")) ?? "libggml-cuda.so");
}
