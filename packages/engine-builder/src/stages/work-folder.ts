import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AbortedError, TrtllmError } from "@trtllm-node/core";
import type { BuildConfigInput } from "../config/build-config.ts";
import { parseBuildConfig } from "../config/parse-build-config.ts";
import { type ResolvedBuildConfig, resolveBuildConfig } from "../config/resolve-build-config.ts";
import { isHubModel } from "../download/hub-model.ts";
import { pullModel } from "../download/pull-model.ts";
import { BuildError } from "../errors.ts";
import { inspectModel } from "../model/inspect-model.ts";
import type { ModelInfo } from "../model/model-info.ts";
import type { BuildOptions } from "./build-engine.ts";
import { BuildLock } from "./build-lock.ts";
import { StageStore } from "./stage-store.ts";

export interface PreparedBuild {
  /** With absolute paths, checked against its model. */
  readonly config: ResolvedBuildConfig;
  readonly model: ModelInfo;
  /** Where the model is from: its path, or its name on the hub with the commit. */
  readonly origin: string;
}

/** Fetches the model where it is one of the hub, and checks the configuration against it. */
export async function prepareBuild(input: BuildConfigInput, options: BuildOptions): Promise<PreparedBuild> {
  const { model: source, output, ...parsed } = parseBuildConfig(input);
  const { path, origin } = await localModel(source, options);
  // Relative paths would mean something else to the tools, which run elsewhere.
  const { calibration } = parsed.quantization;
  const texts = calibration && { ...calibration, dataset: resolve(calibration.dataset) };
  const config = {
    ...{ ...parsed, model: path, output: resolve(output) },
    quantization: { ...parsed.quantization, calibration: texts },
  };
  const model = await inspectModel(config.model);
  return { config: resolveBuildConfig(config, model), model, origin };
}

async function localModel(model: string, { onEvent, signal }: BuildOptions) {
  if (!isHubModel(model)) return { path: resolve(model), origin: resolve(model) };
  const stage = "download";
  onEvent?.({ kind: "stage", stage, state: "started" });
  let fetched = false;
  const { path, name, commit } = await pullModel(model, {
    signal,
    onProgress: ({ file, bytes, totalBytes }) => {
      fetched = true;
      onEvent?.({ kind: "progress", stage, message: file, fraction: bytes / totalBytes });
    },
  });
  onEvent?.({ kind: "stage", stage, state: fetched ? "finished" : "reused" });
  return { path, origin: `hf:${name}@${commit}` };
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
