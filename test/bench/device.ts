import { existsSync } from "node:fs";

/** Whether the native library was built for CUDA: then every peer uses the GPU, else none does. */
export const onGpu = existsSync(new URL("../../native-shim/build/lib/libggml-cuda.so", import.meta.url));
