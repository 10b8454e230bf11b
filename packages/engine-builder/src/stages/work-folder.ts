import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AbortedError, TrtllmError } from "@trtllm-node/core";
import type { BuildConfigInput } from "../config/build-config.ts";
import { parseBuildConfig } from "../config/parse-build-config.ts";
import { type ResolvedBuildConfig, resolveBuildConfig } from "../config/resolve-build-config.ts";
import { BuildError } from "../errors.ts";
import { inspectModel } from "../model/inspect-model.ts";
import type { ModelInfo } from "../model/model-info.ts";
import { BuildLock } from "./build-lock.ts";
import { StageStore } from "./stage-store.ts";

/** The configuration, checked against its model, with absolute paths. */
export async function prepareBuild(
  input: BuildConfigInput,
): Promise<{ readonly config: ResolvedBuildConfig; readonly model: ModelInfo }> {
  const { model: path, output, ...parsed } = parseBuildConfig(input);
  // Relative paths would mean something else to the tools, which run elsewhere.
  const { calibration } = parsed.quantization;
  const texts = calibration && { ...calibration, dataset: resolve(calibration.dataset) };
  const config = {
    ...{ ...parsed, model: resolve(path), output: resolve(output) },
    quantization: { ...parsed.quantization, calibration: texts },
  };
  const model = await inspectModel(config.model);
  return { config: resolveBuildConfig(config, model), model };
}

/** Runs `work` with the finished stages of `<output>.build`, which no other process may use meanwhile. */
export async function inWorkFolder<T>(
  { output }: ResolvedBuildConfig,
  { signal }: { readonly signal?: AbortSignal | undefined },
  work: (store: StageStore) => Promise<T>,
): Promise<T> {
  const folder = `${output}.build`;
  await mkdir(folder, { recursive: true });
  await using _held = await BuildLock.acquire(join(folder, "lock"));
  try {
    return await work(new StageStore(folder));
  } catch (error) {
    throw described(error, signal);
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
