import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { cuda } from "./cuda-library.mjs";
import { openvinoVersion } from "./openvino.mjs";
import {
  cudaLibrary,
  llamaLibraries,
  llamaSource,
  nativeBuild,
  nativeShim,
  openvinoRuntime,
  xgrammarSource,
} from "./paths.mjs";
import { stampedStep } from "./stamped-step.mjs";

export const nativeLibrary = stampedStep({
  title: "Building the native library",
  name: "native-library",
  inputs: () => [
    nativeShim,
    join(xgrammarSource, "include"),
    join(llamaLibraries, "_nlcBuildMetadata.json"),
    cuda,
    openvinoVersion(),
  ],
  outputs: [
    join(nativeShim, "build/lib/libtrtllm_shim.so"),
    join(nativeShim, "build/lib/libtrtllm_shim_synthetic.so"),
    join(nativeShim, "build/lib/trtllm-host"),
    join(nativeBuild, "bin/quantize_gguf"),
    join(nativeBuild, "CTestTestfile.cmake"),
  ],
  async run(report) {
    await buildNative(nativeBuild, [], report);
  },
});

/**
 * Configures and builds native-shim in a folder of its own.
 * @param {string} folder
 * @param {readonly string[]} definitions further `-D` arguments for CMake
 * @param {(line: string) => void} onLine
 */
export async function buildNative(folder, definitions, onLine) {
  const source = [
    `-DLLAMA_CPP_DIR=${llamaSource}`,
    `-DLLAMA_CPP_LIB_DIR=${llamaLibraries}`,
    `-DGGML_CUDA_LIBRARY=${cuda === "" ? "" : cudaLibrary}`,
    `-DXGRAMMAR_DIR=${xgrammarSource}`,
    `-DOPENVINO_DIR=${openvinoRuntime}`,
  ];
  await runCommand(
    "cmake",
    ["-S", nativeShim, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", ...source, ...definitions],
    { onLine, remedy: `Read CMake's message above; removing ${folder} starts it afresh` },
  );
  await runCommand("cmake", ["--build", folder, "-j2"], {
    onLine,
    remedy: "Read the compiler's message above; GCC 12 or Clang 15, or newer, is needed",
  });
}
