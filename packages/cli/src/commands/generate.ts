import { Command } from "commander";
import { loadEngine } from "../load-engine.ts";
import {
  addExecutorOptions,
  addSamplingOptions,
  type ExecutorFlags,
  type SamplingFlags,
  samplingOptions,
} from "../options.ts";
import { readPrompt } from "../read-prompt.ts";
import { formatStats } from "../stats.ts";

interface GenerateFlags extends ExecutorFlags, SamplingFlags {
  readonly promptFile?: string;
  readonly json?: true;
  readonly stats?: true;
}

export function generateCommand(): Command {
  const command = new Command("generate")
    .description("Continue a prompt, given as an argument, as a file or on stdin")
    .argument("<engine>", "GGUF file or engine directory")
    .argument("[prompt]")
    .option("--prompt-file <path>", "read the prompt from a file")
    .option("--json", "print one JSON object with text, usage and timings at the end")
    .option("--stats", "print token counts and timings to stderr")
    .action(generate);
  return addExecutorOptions(addSamplingOptions(command));
}

async function generate(engine: string, argument: string | undefined, flags: GenerateFlags): Promise<void> {
  const prompt = await readPrompt(argument, flags.promptFile);
  const interrupt = new AbortController();
  // Once: a second Ctrl-C ends the process at once.
  process.once("SIGINT", () => interrupt.abort());
  await using llm = await loadEngine(engine, flags, interrupt.signal);

  const stream = llm.stream(prompt, { ...samplingOptions(flags), signal: interrupt.signal });
  if (!flags.json) {
    for await (const { text } of stream) process.stdout.write(text);
    process.stdout.write("\n");
  }
  const result = await stream.result;
  if (flags.json) {
    const { text, finishReason, usage, timings } = result;
    process.stdout.write(`${JSON.stringify({ text, finishReason, usage, timings })}\n`);
  }
  if (flags.stats) process.stderr.write(formatStats(result));
}
