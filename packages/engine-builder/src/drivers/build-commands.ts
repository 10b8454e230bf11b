import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import type { ModelInfo } from "../model/model-info.ts";
import { pythonProgram } from "../python-programs.ts";
import { engineTargets } from "../targets/engine-target.ts";
import { checkpointTool } from "./checkpoint-arguments.ts";
import { modelOptPython } from "./modelopt-environment.ts";
import { commandLine } from "./run-tool.ts";
import type { Toolchain } from "./toolchain.ts";

/**
 * The commands that `buildEngine` runs, as lines for a POSIX shell, for somebody who runs them elsewhere.
 * @throws ConfigError where the tools cannot do what the configuration asks for
 */
export async function buildCommands(
  config: ResolvedBuildConfig,
  model: ModelInfo,
  tools: Toolchain = {},
): Promise<string[]> {
  const work = `${config.output}.build`;
  const checkpoint = `${work}/checkpoint`;
  const { script, args } = checkpointTool(config, model, checkpoint);
  // The name alone where it is not installed: nothing is run.
  const modelOpt = tools.modelOptPython ?? (await modelOptPython()) ?? "python3";
  const own = script === "quantize.py";
  const file = own ? pythonProgram(script) : `${tools.examples ?? "/app/tensorrt_llm/examples"}/${script}`;
  const paths = { checkpoint, output: config.output, work };
  const engine = await engineTargets[config.target].command(config, paths, {
    ...tools,
    modelOptPython: modelOpt,
  });
  return [
    commandLine(own ? modelOpt : (tools.python ?? "python3"), [file, ...args]),
    commandLine(engine.command, engine.args),
  ];
}
