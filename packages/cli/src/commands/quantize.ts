import { quantizeModel } from "@trtllm-node/engine-builder";
import { Command } from "commander";
import { addBuildOptions, type BuildFlags, buildConfig } from "../build-flags.ts";
import { BuildProgress } from "../build-progress.ts";

interface QuantizeFlags extends BuildFlags {
  readonly verbose?: true;
  readonly modeloptPython?: string;
}

export function quantizeCommand(): Command {
  const command = new Command("quantize")
    .description("Quantize and shard a model into a TensorRT-LLM checkpoint, without a GPU")
    .argument("<model>", "Hugging Face directory")
    .argument("<checkpoint>", "directory to make, for trtllm-build")
    .option("--verbose", "print every line of the tools to stderr")
    .option("--modelopt-python <path>", "Python that has ModelOpt; default: what doctor --fix installed")
    .action(quantize);
  return addBuildOptions(command);
}

async function quantize(model: string, output: string, flags: QuantizeFlags): Promise<void> {
  const config = await buildConfig({ model, output }, flags);
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort());
  const progress = new BuildProgress(flags.verbose === true);
  const result = await quantizeModel(config, {
    tools: { modelOptPython: flags.modeloptPython },
    signal: interrupt.signal,
    onEvent: (event) => progress.report(event),
  }).finally(() => progress.end());
  process.stdout.write(`${result.output}\n`);
}
