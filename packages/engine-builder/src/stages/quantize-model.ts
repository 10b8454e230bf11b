import { readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConfigError } from "@trtllm-node/core";
import type { BuildConfigInput } from "../config/build-config.ts";
import type { BuildOptions } from "./build-engine.ts";
import { BuildStages } from "./build-stages.ts";
import { syncToDisk } from "./durable.ts";
import { stageRecordFile } from "./stage-record.ts";
import { inWorkFolder, prepareBuild } from "./work-folder.ts";

export interface QuantizeResult {
  /** The checkpoint's directory, absolute: config.json and rankN.safetensors. */
  readonly output: string;
}

/**
 * Makes the quantized, sharded TensorRT-LLM checkpoint alone, for `trtllm-build` on another machine. The output, which
 * must not exist yet, appears at once and whole.
 * @throws ConfigError, ModelError, ToolError, BuildError, BuildLockedError, AbortedError
 */
export async function quantizeModel(
  input: BuildConfigInput,
  options: BuildOptions = {},
): Promise<QuantizeResult> {
  const { config, model, origin } = await prepareBuild(input, options);
  const { output } = config;
  await inWorkFolder(config, options, async (store) => {
    const present = await readdir(output).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw new ConfigError(`output is ${output}, which is no directory.`, { cause: error });
    });
    if (present.length > 0) throw new ConfigError(`output is ${output}, which is not empty. Give another.`);
    const checkpoint = await new BuildStages(config, model, store, { ...options, origin }).checkpoint();
    await rm(join(checkpoint, stageRecordFile), { force: true });
    await rename(checkpoint, output);
    await syncToDisk(dirname(output));
    await rm(store.folder, { recursive: true });
  });
  return { output };
}
