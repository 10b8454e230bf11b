import { ConfigError } from "@trtllm-node/core";
import {
  buildCommands,
  buildEngine,
  inspectModel,
  resolveBuildConfig,
  type Toolchain,
} from "@trtllm-node/engine-builder";
import { Command } from "commander";
import { addBuildOptions, type BuildFlags, buildConfig } from "../build-flags.ts";
import { BuildProgress } from "../build-progress.ts";

interface BuildCommandFlags extends BuildFlags {
  readonly dryRun?: true;
  readonly json?: true;
  readonly verbose?: true;
  readonly modeloptPython?: string;
  readonly trtllmBuild?: string;
  readonly python?: string;
  readonly examples?: string;
}

export function buildCommand(): Command {
  const command = new Command("build")
    .description(
      "Build an engine, for TensorRT-LLM 1.0 to 1.2 (on the GPU it is for) or the embedded executor",
    )
    .argument("[model]", "Hugging Face directory; default: the configuration's")
    .argument("[output]", "engine directory to make; default: the configuration's")
    .option("--dry-run", "check everything and print the commands, without running them")
    .option("--json", "print the engine's lock file at the end")
    .option("--verbose", "print every line of the tools to stderr")
    .option("--modelopt-python <path>", "Python that has ModelOpt; default: what doctor --fix installed")
    .option("--trtllm-build <path>", "default: trtllm-build on the PATH")
    .option("--python <path>", "Python that has tensorrt_llm; default: python3 on the PATH")
    .option("--examples <folder>", "TensorRT-LLM's examples; default: where its containers have them")
    .action(build);
  return addBuildOptions(command);
}

async function build(
  model: string | undefined,
  output: string | undefined,
  flags: BuildCommandFlags,
): Promise<void> {
  if (flags.config === undefined && (model === undefined || output === undefined)) {
    throw new ConfigError("Name a model and an output, or a build configuration with --config.");
  }
  const config = await buildConfig({ model, output }, flags);
  const { modeloptPython: modelOptPython, trtllmBuild, python, examples } = flags;
  const tools: Toolchain = { modelOptPython, trtllmBuild, python, examples };
  if (flags.dryRun) {
    const info = await inspectModel(config.model);
    const commands = await buildCommands(resolveBuildConfig(config, info), info, tools);
    process.stdout.write(`${commands.join("\n")}\n`);
    return;
  }
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort());
  const progress = new BuildProgress(flags.verbose === true);
  const result = await buildEngine(config, {
    tools,
    signal: interrupt.signal,
    onEvent: (event) => progress.report(event),
  }).finally(() => progress.end());
  process.stdout.write(flags.json ? `${JSON.stringify(result.lock)}\n` : `${result.output}\n`);
}
