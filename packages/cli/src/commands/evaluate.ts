import { evaluate } from "@trtllm-node/runtime";
import { Command } from "commander";
import { formatTable } from "../format-table.ts";
import { loadEngine } from "../load-engine.ts";
import { wholeNumber } from "../number-arguments.ts";
import { addExecutorOptions, type ExecutorFlags } from "../options.ts";
import { readPrompt } from "../read-prompt.ts";

interface EvaluateFlags extends ExecutorFlags {
  readonly against: string;
  readonly text?: string;
  readonly window?: number;
  readonly json?: true;
}

export function evaluateCommand(): Command {
  const command = new Command("evaluate")
    .description(
      "Tell what quantizing cost: perplexity of a text, and how often both engines would say the same",
    )
    .argument("<engine>", "GGUF file or engine directory")
    .requiredOption("--against <engine>", "the unquantized one")
    .option("--text <file>", "text to evaluate on; default: stdin")
    .option("--window <tokens>", "tokens computed together; default: 512", wholeNumber({ min: 2 }))
    .option("--json", "print one JSON object")
    .action(run);
  return addExecutorOptions(command);
}

async function run(engine: string, flags: EvaluateFlags): Promise<void> {
  const text = await readPrompt(undefined, flags.text);
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort());
  await using reference = await loadEngine(flags.against, flags, interrupt.signal);
  await using llm = await loadEngine(engine, flags, interrupt.signal);
  const result = await evaluate(llm, reference, text, {
    windowTokens: flags.window,
    signal: interrupt.signal,
  });
  if (flags.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    const { tokens, perplexity, referencePerplexity, topAgreement } = result;
    const change = (perplexity / referencePerplexity - 1) * 100;
    process.stdout.write(
      formatTable([
        ["tokens", tokens.toLocaleString("en")],
        ["perplexity", `${perplexity.toFixed(3)} (${change >= 0 ? "+" : ""}${change.toFixed(2)} %)`],
        ["of the other", referencePerplexity.toFixed(3)],
        ["same likeliest", `${(topAgreement * 100).toFixed(1)} %`],
      ]),
    );
  }
}
