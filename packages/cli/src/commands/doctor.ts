import { Command } from "commander";
import type { Check } from "../doctor/check.ts";
import { checkExecutors } from "../doctor/executors.ts";
import { checkTools } from "../doctor/tools.ts";

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Tell what this machine has and lacks; exit code 1 where generation cannot work")
    .option("--json", "print one JSON object")
    .action(doctor);
}

async function doctor({ json }: { readonly json?: true }): Promise<void> {
  const checks = await Promise.all([...checkTools(), ...checkExecutors()]);
  const ok = checks.every((check) => check.ok || !check.required);
  process.stdout.write(json ? `${JSON.stringify({ ok, checks })}\n` : formatChecks(checks));
  if (!ok) process.exitCode = 1;
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
