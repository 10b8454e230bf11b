import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import { findModelOpt } from "../drivers/modelopt-environment.ts";
import { BuildError } from "../errors.ts";
import { readGgufHeader } from "../model/gguf.ts";
import { pythonProgram } from "../python-programs.ts";
import type { EngineTarget } from "./engine-target.ts";

const ggufFile = "model.gguf";

/** One GGUF of all ranks, for the embedded executor. */
export const ggufTarget: EngineTarget = {
  async inputs({ setLimits, kvCache }) {
    return [setLimits, kvCache];
  },
  async command({ model }, { checkpoint, output }, { modelOptPython }) {
    const files = ["--checkpoint", checkpoint, "--model", model, "--output", join(output, ggufFile)];
    return {
      command: await findModelOpt(modelOptPython),
      args: [pythonProgram("to_gguf.py"), ...files],
      ranks: 1,
    };
  },
  async finish(folder, config, checkpoint) {
    const path = join(folder, ggufFile);
    if (!(await stat(path).catch(() => undefined))) {
      throw new BuildError(`to_gguf.py ended well, but made no ${ggufFile}.`);
    }
    await readGgufHeader(path);
    const pretrained = JSON.parse(await readFile(join(checkpoint, "config.json"), "utf8"));
    const document = { pretrained_config: pretrained, build_config: buildConfig(config) };
    await writeFile(join(folder, "config.json"), `${JSON.stringify(document, undefined, 2)}\n`);
  },
  async describe() {
    return { target: { executor: "embedded", gpuCount: 1 }, changes: [] };
  },
};

/** Under TensorRT-LLM's names, as the executor reads it. A limit that is not set is the executor's to choose. */
function buildConfig({ setLimits, kvCache }: ResolvedBuildConfig) {
  return {
    max_batch_size: setLimits.maxBatchSize,
    max_seq_len: setLimits.maxSequenceTokens,
    max_num_tokens: setLimits.maxNumTokens,
    plugin_config: { tokens_per_block: kvCache.tokensPerBlock },
  };
}
