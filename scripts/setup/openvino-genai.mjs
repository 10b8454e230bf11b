import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "./command.mjs";
import { modelFile } from "./model.mjs";
import { openvinoOff } from "./openvino.mjs";
import { openvinoGenai, openvinoModels } from "./paths.mjs";
import { pythonPackages } from "./python-packages.mjs";
import { stampedStep } from "./stamped-step.mjs";

const scripts = dirname(fileURLToPath(import.meta.url));
const converter = join(scripts, "gguf_to_openvino.py");
const requirements = join(scripts, "openvino-genai.txt");

const installing = pythonPackages({
  title: "Installing OpenVINO GenAI (68 MB), which tests and benchmarks compare with",
  name: "openvino-genai",
  requirements,
  folder: openvinoGenai,
  output: "openvino_genai/__init__.py",
});

const variants = ["Q4_0", "Q4_1", "Q8_0"].map((type) => ({
  gguf: modelFile.replace("Q4_1", type),
  folder: join(openvinoModels, type),
}));

const converting = stampedStep({
  title: "Turning the demo model into OpenVINO IR",
  name: "openvino-models",
  inputs: () => [converter, requirements],
  outputs: variants.map(({ folder }) => join(folder, "openvino_model.xml")),
  async run(report) {
    for (const { gguf, folder } of variants) {
      report(basename(folder));
      const unfinished = `${folder}.unfinished`;
      rmSync(unfinished, { recursive: true, force: true });
      mkdirSync(unfinished, { recursive: true });
      const link = join(unfinished, basename(gguf));
      symlinkSync(relative(unfinished, gguf), link);
      await runCommand("python3", [converter, link], {
        env: { PYTHONPATH: openvinoGenai },
        remedy: "Read Python's message above; removing .cache/openvino-genai installs it afresh",
      });
      rmSync(folder, { recursive: true, force: true });
      renameSync(unfinished, folder);
    }
  },
});

/** Engine directories with the demo model's IR, and what makes them. */
export const openvinoReference = [installing, converting].map((step) => ({
  ...step,
  fresh: () => openvinoOff || step.fresh(),
}));
