import type { BuildConfigInput } from "../config/build-config.ts";
import type { Toolchain } from "../drivers/toolchain.ts";
import type { EngineLock } from "../lock/engine-lock.ts";
import { existingOutput } from "./assemble-output.ts";
import type { BuildEvent } from "./build-event.ts";
import { BuildStages } from "./build-stages.ts";
import { inWorkFolder, prepareBuild } from "./work-folder.ts";

export interface BuildOptions {
  /** Called with everything that happens. What it throws ends the build. */
  readonly onEvent?: ((event: BuildEvent) => void) | undefined;
  /** Aborting it ends the build and the tool that runs, with all of its processes. Finished stages stay. */
  readonly signal?: AbortSignal | undefined;
  readonly tools?: Toolchain | undefined;
}

export interface BuildResult {
  /** The engine directory, absolute. */
  readonly output: string;
  readonly lock: EngineLock;
}

/**
 * Builds an engine: quantizes and shards the model's checkpoint, makes the engine of it, and writes an engine directory
 * with tokenizer and `engine.lock.json`. For TensorRT-LLM it needs TensorRT-LLM 1.0 to 1.2 and the GPU that the engine is
 * for; for the embedded executor nothing but what `installModelOpt` installs.
 *
 * Finished stages lie in `<output>.build` under a digest of their inputs: a run after a failure, a kill or a full disk
 * goes on behind the last one, and a run that changes only limits keeps the checkpoint. The output appears at once
 * and whole.
 * @throws ConfigError, ModelError, ToolError, BuildError, BuildLockedError, AbortedError
 */
export async function buildEngine(input: BuildConfigInput, options: BuildOptions = {}): Promise<BuildResult> {
  const { config, model, origin } = await prepareBuild(input, options);
  const existing = await existingOutput(config.output);
  const lock = await inWorkFolder(config, options, (store) =>
    new BuildStages(config, model, store, { ...options, origin }).run(existing),
  );
  return { output: config.output, lock };
}
