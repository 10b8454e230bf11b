import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AbortedError, TrtllmError } from "@trtllm-node/core";
import type { BuildConfigInput } from "../config/build-config.ts";
import { parseBuildConfig } from "../config/parse-build-config.ts";
import { resolveBuildConfig } from "../config/resolve-build-config.ts";
import type { Toolchain } from "../drivers/toolchain.ts";
import { BuildError } from "../errors.ts";
import type { EngineLock } from "../lock/engine-lock.ts";
import { inspectModel } from "../model/inspect-model.ts";
import { existingOutput } from "./assemble-output.ts";
import type { BuildEvent } from "./build-event.ts";
import { BuildLock } from "./build-lock.ts";
import { BuildStages } from "./build-stages.ts";
import { StageStore } from "./stage-store.ts";

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
 * Builds a TensorRT-LLM engine: quantizes and shards the checkpoint, runs trtllm-build, and writes an engine directory
 * with tokenizer and `engine.lock.json`. Needs TensorRT-LLM 1.0 to 1.2 and the GPU that the engine is for.
 *
 * Finished stages lie in `<output>.build` under a digest of their inputs: a run after a failure, a kill or a full disk
 * goes on behind the last one, and a run that changes only limits keeps the checkpoint. The output appears at once
 * and whole.
 * @throws ConfigError, ModelError, ToolError, BuildError, BuildLockedError, AbortedError
 */
export async function buildEngine(input: BuildConfigInput, options: BuildOptions = {}): Promise<BuildResult> {
  const { model, output, ...parsed } = parseBuildConfig(input);
  // Relative paths would mean something else to the tools, which run elsewhere.
  const config = { ...parsed, model: resolve(model), output: resolve(output) };
  const info = await inspectModel(config.model);
  const resolved = resolveBuildConfig(config, info);
  const existing = await existingOutput(config.output);
  const work = `${config.output}.build`;
  await mkdir(work, { recursive: true });
  await using _held = await BuildLock.acquire(join(work, "lock"));
  try {
    const stages = new BuildStages(resolved, info, new StageStore(work), options);
    return { output: config.output, lock: await stages.run(existing) };
  } catch (error) {
    throw described(error, options.signal);
  }
}

function described(error: unknown, signal: AbortSignal | undefined): unknown {
  if (TrtllmError.isInstance(error)) return error;
  if (signal?.aborted) return new AbortedError("The build was ended.", { cause: signal.reason });
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== "ENOSPC") return error;
  return new BuildError(`No space is left on the disk: ${message}. Free some and run it again: it resumes.`, {
    cause: error,
  });
}
