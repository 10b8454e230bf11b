import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { libraryInfo } from "@trtllm-node/core";
import { type Check, check } from "./check.ts";
import { commandOutput } from "./command-output.ts";

const demoModel = ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf";

/** What runs engines. */
export function checkExecutors(): Promise<Check>[] {
  return [
    check(
      {
        name: "NVIDIA GPU",
        missing: "none found; the embedded executor needs none",
        fix: "sudo apt-get install nvidia-driver",
      },
      () =>
        commandOutput("nvidia-smi", "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"),
    ),
    check(
      { name: "Native library", required: true, missing: "could not be loaded", fix: "npm run setup" },
      async () => {
        const { shim, executor, executorVersion, libraries } = await libraryInfo();
        const versions = libraries.map(({ name, version }) => `${name} ${version}`);
        return [`${shim}, executor ${executor} ${executorVersion}`, ...versions].join(", ");
      },
    ),
    check(
      {
        name: "OpenVINO",
        missing:
          "not there: models run on llama.cpp alone, which is slower with several requests on x86 CPUs",
        fix: "npm run setup",
      },
      async () => (await libraryInfo()).libraries.find(({ name }) => name === "openvino")?.version,
    ),
    check({ name: "Demo model", missing: `not in ${demoModel}`, fix: "npm run setup" }, () =>
      existsSync(demoModel) ? resolve(demoModel) : undefined,
    ),
  ];
}
