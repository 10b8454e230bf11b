import { installModelOpt } from "@trtllm-node/engine-builder";
import { Command } from "commander";
import { checkExecutors } from "../doctor/executors.ts";
import { formatChecks } from "../doctor/format-checks.ts";
import { checkTensorrtLlm } from "../doctor/tensorrt-llm.ts";
import { checkTools } from "../doctor/tools.ts";
import type { WhereToLook } from "../tensorrt-llm/python-package.ts";

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Tell what this machine has and lacks; exit code 1 where generation cannot work")
    .option("--json", "print one JSON object")
    .option("--fix", "first install ModelOpt, which quantizes models, into a Python environment of its own")
    .option(
      "--python <path>",
      "Python to look for tensorrt_llm in; default: a virtual environment's, then the PATH's",
    )
    .option("--root <folder>", "the tensorrt_llm package itself")
    .action(doctor);
}

async function doctor({
  json,
  fix,
  ...where
}: WhereToLook & { readonly json?: true; readonly fix?: true }): Promise<void> {
  if (fix) await install();
  const [tools, tensorrtLlm, executors] = await Promise.all([
    Promise.all(checkTools()),
    checkTensorrtLlm(where),
    Promise.all(checkExecutors()),
  ]);
  const checks = [...tools, ...tensorrtLlm, ...executors];
  const ok = checks.every((check) => check.ok || !check.required);
  process.stdout.write(json ? `${JSON.stringify({ ok, checks })}\n` : formatChecks(checks));
  if (!ok) process.exitCode = 1;
}

async function install(): Promise<void> {
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort());
  await installModelOpt({
    signal: interrupt.signal,
    onLine: (line) => process.stderr.write(`${line}\n`),
  });
}
