import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const cache = join(root, ".cache");
export const models = join(cache, "models");
/** Tokenizer files of published models, one folder each. */
export const publishedTokenizers = join(cache, "tokenizers");
/** Python packages, as PYTHONPATH takes them. */
export const pythonReference = join(cache, "python");
/** A Prometheus server: `usr/bin/prometheus`. */
export const prometheusFolder = join(cache, "prometheus");
/** A headless Chromium: the program `chromium`, its libraries in `lib`, its fonts in `fonts`. */
export const browserFolder = join(cache, "browser");
export const nativeShim = join(root, "native-shim");
export const nativeBuild = join(nativeShim, "build", "release");
/** Headers of llama.cpp, laid out as in its own source tree. */
export const llamaSource = join(nativeShim, "build", "llama.cpp");
/** XGrammar's source. */
export const xgrammarSource = join(nativeShim, "build", "xgrammar");
/** llama.cpp's prebuilt libraries. */
export const llamaLibraries = join(root, "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64");
/** llama.cpp's CUDA backend, where one is asked for. */
export const cudaLibrary = join(nativeShim, "build", "llama-cuda", "libggml-cuda.so");
/** OpenVINO's headers and libraries. */
export const openvinoRuntime = join(nativeShim, "build", "openvino");
/** OpenVINO GenAI and what it needs, as PYTHONPATH takes them. */
export const openvinoGenai = join(cache, "openvino-genai");
/** Engine directories with the demo model as OpenVINO IR, one for each quantization. */
export const openvinoModels = join(models, "openvino");
