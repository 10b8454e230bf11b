import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { cuda } from "./cuda-library.mjs";
import { modelFile } from "./model.mjs";
import { cudaLibrary, nativeBuild } from "./paths.mjs";
import { SetupError } from "./setup-error.mjs";
import { stampedStep } from "./stamped-step.mjs";

const rawLlama = join(nativeBuild, "bin/raw_llama");

/**
 * Computes two tokens in a process of its own: a library made for a newer driver is loaded without complaint and
 * then aborts its process, and one whose CUDA libraries are missing is passed over in silence.
 */
const trying = stampedStep({
  title: "Trying the GPU",
  name: "cuda-check",
  inputs: () => [cuda, cudaLibrary, rawLlama],
  outputs: [],
  async run() {
    const output = await runCommand(
      rawLlama,
      ["--model", modelFile, "--requests", "1", "--prompt-tokens", "4", "--new-tokens", "2"],
      {
        remedy:
          cuda === "prebuilt"
            ? "Update the NVIDIA driver, or install the CUDA toolkit and set TRTLLM_NODE_CUDA=build"
            : "Read the message above",
      },
    );
    const { device } = JSON.parse(output.slice(output.indexOf("{")));
    if (device.type !== "GPU") {
      throw new SetupError(
        `llama.cpp found no GPU, only ${device.name}`,
        "Install the NVIDIA driver and the CUDA libraries libcudart and libcublas that `ldd` misses for " +
          cudaLibrary,
      );
    }
  },
});

/** @type {import("./steps.mjs").Step} */
export const cudaCheck = { ...trying, fresh: () => cuda === "" || trying.fresh() };
