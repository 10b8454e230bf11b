import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { modelFile } from "./model.mjs";
import { nativeBuild } from "./paths.mjs";
import { stampedStep } from "./stamped-step.mjs";

const quantizer = join(nativeBuild, "bin/quantize_gguf");
const variants = ["Q4_0", "Q8_0"].map((type) => ({ type, path: modelFile.replace("Q4_1", type) }));

/** Q4_1 has no fast batched kernels on x86; these have. */
export const quantizedModels = stampedStep({
  title: "Quantizing the demo model to Q4_0 and Q8_0",
  name: "quantized-models",
  inputs: () => [quantizer],
  outputs: variants.map(({ path }) => path),
  async run(report) {
    for (const { type, path } of variants) {
      report(type);
      const unfinished = `${path}.unfinished`;
      try {
        await runCommand(quantizer, [modelFile, unfinished, type.toLowerCase()], {
          remedy: "Check the free disk space, then run it again",
        });
        renameSync(unfinished, path);
      } finally {
        rmSync(unfinished, { force: true });
      }
    }
  },
});
