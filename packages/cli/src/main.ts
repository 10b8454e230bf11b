#!/usr/bin/env node
import { Command } from "commander";
import { analyzeCommand } from "./commands/analyze.ts";
import { benchCommand } from "./commands/bench.ts";
import { buildCommand } from "./commands/build.ts";
import { packCommand, unpackCommand, verifyCommand } from "./commands/bundle.ts";
import { chatCommand } from "./commands/chat.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { generateCommand } from "./commands/generate.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { nativeCommand } from "./commands/native.ts";
import { planCommand } from "./commands/plan.ts";
import { pullCommand } from "./commands/pull.ts";
import { quantizeCommand } from "./commands/quantize.ts";
import { serveCommand } from "./commands/serve.ts";
import { topCommand } from "./commands/top.ts";
import { tuneCommand } from "./commands/tune.ts";
import { reportError } from "./report-error.ts";
import { packageVersion } from "./version.ts";

// The reader of our output went away, as in `trtllm-node generate … | head -1`: nothing left to say.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

const program = new Command("trtllm-node")
  .description("Run TensorRT-LLM engines and GGUF models from Node")
  .version(packageVersion)
  .addCommand(generateCommand())
  .addCommand(chatCommand())
  .addCommand(serveCommand())
  .addCommand(pullCommand())
  .addCommand(topCommand())
  .addCommand(inspectCommand())
  .addCommand(planCommand())
  .addCommand(quantizeCommand())
  .addCommand(buildCommand())
  .addCommand(evaluateCommand())
  .addCommand(packCommand())
  .addCommand(unpackCommand())
  .addCommand(verifyCommand())
  .addCommand(benchCommand())
  .addCommand(analyzeCommand())
  .addCommand(nativeCommand())
  .addCommand(tuneCommand())
  .addCommand(doctorCommand());

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportError(error);
}
