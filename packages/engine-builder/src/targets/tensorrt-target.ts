import { join } from "node:path";
import { buildArguments } from "../drivers/build-arguments.ts";
import { gpu } from "../memory/gpus.ts";
import { digestPath } from "../stages/digest.ts";
import { verifyEngine } from "../stages/verify-stage.ts";
import type { EngineTarget } from "./engine-target.ts";

/** `rankN.engine` by trtllm-build. */
export const tensorRtTarget: EngineTarget = {
  async inputs(config, signal) {
    const directories = config.lora?.directories ?? [];
    const adapters = await Promise.all(directories.map((path) => digestPath(path, signal)));
    const args = buildArguments(config, { checkpoint: "", output: "", timingCache: "" });
    return [config.release, config.gpu, args, adapters];
  },
  async command(config, { checkpoint, output, work }, { trtllmBuild = "trtllm-build" }) {
    const args = buildArguments(config, { checkpoint, output, timingCache: join(work, "timing.cache") });
    const { tensor, pipeline, context } = config.parallel;
    return { command: trtllmBuild, args, ranks: tensor * pipeline * context };
  },
  async finish(folder, config) {
    await verifyEngine(folder, config);
  },
  async describe(folder, config) {
    const { version, changes } = await verifyEngine(folder, config);
    const { tensor, pipeline, context } = config.parallel;
    const target = {
      executor: "tensorrt-llm" as const,
      version,
      ...(config.gpu && {
        gpu: config.gpu,
        computeCapability: (gpu(config.gpu).sm / 10).toFixed(1),
      }),
      gpuCount: tensor * pipeline * context,
    };
    return { target, changes };
  },
};
