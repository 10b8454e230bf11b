import { installModelOpt } from "@trtllm-node/engine-builder";
import { Command } from "commander";
import type { Check } from "../doctor/check.ts";
import { checkExecutors } from "../doctor/executors.ts";
import { checkTools } from "../doctor/tools.ts";

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Tell what this machine has and lacks; exit code 1 where generation cannot work")
    .option("--json", "print one JSON object")
    .option("--fix", "first install ModelOpt, which quantizes models, into a Python environment of its own")
    .action(doctor);
}

async function doctor({ json, fix }: { readonly json?: true; readonly fix?: true }): Promise<void> {
  if (fix) await install();
  const checks = await Promise.all([...checkTools(), ...checkExecutors()]);
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

function formatChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const rows = checks.map(({ name, ok, required, detail, fix }) => {
    const mark = ok ? "✓" : required ? "✗" : "–";
    const row = `${mark} ${name.padEnd(width)}  ${detail}\n`;
    return fix ? `${row}  ${" ".repeat(width)}  → ${fix}\n` : row;
  });
  return rows.join("");
}
