import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import type { ModelInfo } from "../model/model-info.ts";
import { buildArguments } from "./build-arguments.ts";
import { checkpointTool } from "./checkpoint-arguments.ts";
import { commandLine } from "./run-tool.ts";
import type { Toolchain } from "./toolchain.ts";

/**
 * The commands that `buildEngine` runs, as lines for a POSIX shell, for somebody who runs them elsewhere.
 * @throws ConfigError where the tools cannot do what the configuration asks for
 */
export function buildCommands(
  config: ResolvedBuildConfig,
  model: ModelInfo,
  tools: Toolchain = {},
): string[] {
  const checkpoint = `${config.output}.build/checkpoint`;
  const { script, args } = checkpointTool(config, model, checkpoint);
  const file = `${tools.examples ?? "/app/tensorrt_llm/examples"}/${script}`;
  const timingCache = `${config.output}.build/timing.cache`;
  return [
    commandLine(tools.python ?? "python3", [file, ...args]),
    commandLine(
      tools.trtllmBuild ?? "trtllm-build",
      buildArguments(config, { checkpoint, output: config.output, timingCache }),
    ),
  ];
}
