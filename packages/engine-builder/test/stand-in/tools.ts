import { fileURLToPath } from "node:url";
import type { Toolchain } from "../../src/index.ts";

/** Stand-ins for NVIDIA's tools; stand_in.py and modelopt.py say what they are and what they are not. */
export const standIns: Toolchain = {
  modelOptPython: fileURLToPath(new URL("./modelopt-python", import.meta.url)),
  trtllmBuild: fileURLToPath(new URL("./trtllm-build", import.meta.url)),
  python: "python3",
  examples: fileURLToPath(new URL("./examples", import.meta.url)),
};
