import type { BuildTarget } from "../config/build-config.ts";
import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import type { Toolchain } from "../drivers/toolchain.ts";
import type { EngineLock } from "../lock/engine-lock.ts";
import { ggufTarget } from "./gguf-target.ts";
import { tensorRtTarget } from "./tensorrt-target.ts";

/** What a target makes of a checkpoint. */
export interface EngineTarget {
  /** All that decides what comes out, beside the checkpoint; becomes part of a digest. */
  inputs(config: ResolvedBuildConfig, signal: AbortSignal | undefined): Promise<unknown>;
  command(config: ResolvedBuildConfig, paths: EnginePaths, tools: Toolchain): Promise<EngineCommand>;
  /**
   * Completes what the command left in `folder`, and looks whether it is whole.
   * @throws BuildError, ModelError
   */
  finish(folder: string, config: ResolvedBuildConfig, checkpoint: string): Promise<void>;
  describe(folder: string, config: ResolvedBuildConfig): Promise<EngineDescription>;
}

export interface EnginePaths {
  /** Directory of the TensorRT-LLM checkpoint. */
  readonly checkpoint: string;
  /** Directory to write into. */
  readonly output: string;
  /** Directory for what later builds may use again. */
  readonly work: string;
}

export interface EngineCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Engines that it makes one after the other. */
  readonly ranks: number;
}

export interface EngineDescription {
  readonly target: EngineLock["target"];
  /** What came out otherwise than asked, as sentences. */
  readonly changes: readonly string[];
}

export const engineTargets: Readonly<Record<BuildTarget, EngineTarget>> = {
  "tensorrt-llm": tensorRtTarget,
  embedded: ggufTarget,
};
