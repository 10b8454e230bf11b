import {
  type BuildConfig,
  type BuildTarget,
  buildTargets,
  type GpuName,
  gpuNames,
  parseBuildConfig,
  readBuildConfigFile,
  type WeightQuantization,
  weightQuantizations,
} from "@trtllm-node/engine-builder";
import { type Command, Option } from "commander";
import { wholeNumber } from "./number-arguments.ts";

/** What a command line can say of a build; a configuration file can say everything. */
export interface BuildFlags {
  readonly config?: string;
  readonly gpu?: GpuName;
  readonly target?: BuildTarget;
  readonly preset?: "latency" | "throughput" | "memory";
  readonly weights?: WeightQuantization;
  readonly kvCache?: BuildConfig["quantization"]["kvCache"];
  readonly calibration?: string;
  readonly calibrationSamples?: number;
  readonly tensor?: number;
  readonly pipeline?: number;
  readonly maxBatchSize?: number;
  readonly maxSequenceTokens?: number;
  readonly maxNumTokens?: number;
}

export function addBuildOptions(command: Command): Command {
  const count = wholeNumber({ min: 1 });
  return command
    .option("--config <file>", "build configuration, JSON or YAML; flags win over it")
    .addOption(new Option("--target <executor>", "what runs it; default: tensorrt-llm").choices(buildTargets))
    .addOption(new Option("--gpu <name>", "GPU it is for").choices(gpuNames))
    .addOption(
      new Option("--preset <name>", "values for what is left open").choices([
        "latency",
        "throughput",
        "memory",
      ]),
    )
    .addOption(new Option("--weights <format>", "quantization of the weights").choices(weightQuantizations))
    .addOption(
      new Option("--kv-cache <type>", "type of the KV cache").choices(["auto", "fp8", "int8", "nvfp4"]),
    )
    .option("--calibration <path>", "texts to calibrate with: a .txt or .jsonl file, or a folder of these")
    .option("--calibration-samples <count>", "texts of these; default: 512", count)
    .option("--tensor <count>", "tensor parallel GPUs", count)
    .option("--pipeline <count>", "pipeline stages", count)
    .option("--max-batch-size <count>", "most requests in one step", count)
    .option("--max-sequence-tokens <count>", "most tokens of prompt and answer", count)
    .option("--max-num-tokens <count>", "most tokens computed in one step", count);
}

/**
 * The configuration of file and flags together.
 * @param paths model and output as the command line names them, where it does
 */
export async function buildConfig(
  paths: { readonly model?: string | undefined; readonly output?: string | undefined },
  flags: BuildFlags,
): Promise<BuildConfig> {
  const file = flags.config === undefined ? {} : await readBuildConfigFile(flags.config);
  return parseBuildConfig({
    ...file,
    ...given({ ...paths, target: flags.target, gpu: flags.gpu, preset: flags.preset }),
    ...section(file, "quantization", {
      weights: flags.weights,
      kvCache: flags.kvCache,
      calibration: calibration(file, flags),
    }),
    ...section(file, "parallel", { tensor: flags.tensor, pipeline: flags.pipeline }),
    ...section(file, "limits", {
      maxBatchSize: flags.maxBatchSize,
      maxSequenceTokens: flags.maxSequenceTokens,
      maxNumTokens: flags.maxNumTokens,
    }),
  });
}

function calibration(file: Record<string, unknown>, flags: BuildFlags): object | undefined {
  const set = given({ dataset: flags.calibration, samples: flags.calibrationSamples });
  if (Object.keys(set).length === 0) return undefined;
  const { calibration: written } = (file.quantization ?? {}) as { calibration?: object };
  return { ...written, ...set };
}

function section(file: Record<string, unknown>, name: string, flags: object): Record<string, unknown> {
  const set = given(flags);
  if (Object.keys(set).length === 0) return {};
  const written = file[name] ?? {};
  // Something that is no object is left for the schema to refuse.
  return { [name]: typeof written === "object" ? { ...written, ...set } : written };
}

function given(values: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
