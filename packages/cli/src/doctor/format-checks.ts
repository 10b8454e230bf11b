import type { Check } from "./check.ts";

/** A line for each, and one more for what puts it right. */
export function formatChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const rows = checks.map(({ name, ok, required, detail, fix }) => {
    const mark = ok ? "✓" : required ? "✗" : "–";
    const row = `${mark} ${name.padEnd(width)}  ${detail}\n`;
    return fix ? `${row}  ${" ".repeat(width)}  → ${fix}\n` : row;
  });
  return rows.join("");
}
