import { join, resolve } from "node:path";
import { ConfigError, launchLine } from "@trtllm-node/core";
import { Command } from "commander";
import { execa } from "execa";
import { formatChecks } from "../doctor/format-checks.ts";
import { checkTools } from "../doctor/tools.ts";
import { wholeNumber } from "../number-arguments.ts";
import { checkPackage } from "../tensorrt-llm/checks.ts";
import { nativeSource } from "../tensorrt-llm/native-source.ts";
import { findPackage } from "../tensorrt-llm/python-package.ts";

const buildTools = ["C++ compiler", "CMake"];

interface NativeBuildFlags {
  readonly root?: string;
  readonly python?: string;
  readonly cuda?: string;
  readonly source?: string;
  readonly output?: string;
  readonly jobs: number;
}

export function nativeCommand(): Command {
  const build = new Command("build")
    .description("Build the native library over an installed TensorRT-LLM 1.0 to 1.2")
    .option("--root <folder>", "the tensorrt_llm package, or a source tree with its build")
    .option("--python <path>", "a Python that has it; default: a virtual environment's, then the PATH's")
    .option("--cuda <folder>", "CUDA toolkit; default: the package's own, CUDA_HOME, /usr/local/cuda")
    .option("--source <folder>", "native-shim; default: that of this workspace")
    .option("--output <folder>", "default: build/tensorrt_llm in native-shim")
    .option("--jobs <count>", "files compiled at once", wholeNumber({ min: 1 }), 2)
    .action(buildNative);
  const line = new Command("launch-line")
    .description("Print the command that starts an engine's processes, and start nothing")
    .argument("<engine>", "engine directory")
    .action(async (engine: string) => {
      process.stdout.write(`${await launchLine(engine)}\n`);
    });
  return new Command("native").description("The native library").addCommand(build).addCommand(line);
}

async function buildNative(flags: NativeBuildFlags): Promise<void> {
  const source = nativeSource(flags.source);
  const found = await findPackage(flags);
  if (found === undefined) {
    throw new ConfigError(
      "No tensorrt_llm package was found. Install it (python3 -m pip install tensorrt_llm==1.2.1), activate its virtual environment, or name its Python with --python or its folder with --root.",
    );
  }
  const tools = (await Promise.all(checkTools())).filter(({ name }) => buildTools.includes(name));
  const checks = [
    ...tools.map((tool) => ({ ...tool, required: true })),
    ...(await checkPackage(found, flags.cuda)),
  ];
  process.stderr.write(formatChecks(checks));
  if (checks.some(({ ok, required }) => required && !ok)) {
    throw new ConfigError("Something that the build needs is missing; see the arrows above.");
  }
  const output = flags.output === undefined ? join(source, "build/tensorrt_llm") : resolve(flags.output);
  const definitions = [
    `-DTRTLLM_ROOT=${found.root}`,
    ...(flags.cuda ? [`-DTRTLLM_CUDA_ROOT=${flags.cuda}`] : []),
  ];
  await run("cmake", "-S", source, "-B", output, ...definitions);
  await run("cmake", "--build", output, "--parallel", String(flags.jobs));
  const library = join(output, "lib/libtrtllm_shim.so");
  process.stderr.write(`\nBuilt. To use it:\n  export TRTLLM_NODE_LIBRARY=${library}\n`);
  process.stdout.write(`${library}\n`);
}

/** Its output goes to stderr as it comes. */
async function run(command: string, ...args: string[]): Promise<void> {
  process.stderr.write(`$ ${[command, ...args].join(" ")}\n`);
  const { failed, exitCode } = await execa(command, args, {
    reject: false,
    stdin: "ignore",
    stdout: process.stderr,
    stderr: process.stderr,
  });
  if (failed) {
    throw new ConfigError(`\`${command}\` ended with exit code ${exitCode}; its last lines above say why.`);
  }
}
