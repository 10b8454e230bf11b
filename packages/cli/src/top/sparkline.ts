const bars = "▁▂▃▄▅▆▇█";

/** The last values as bars from 0 to the highest of them; a gap where there was none. */
export function sparkline(values: readonly (number | null)[], width: number): string {
  const shown = values.slice(-width);
  const highest = Math.max(0, ...shown.map((value) => value ?? 0));
  return shown
    .map((value) => {
      if (value === null) return " ";
      return bars[highest > 0 ? Math.round((value / highest) * (bars.length - 1)) : 0];
    })
    .join("");
}

/** How full something is: `part` of 0 to 1. */
export function gauge(part: number, width: number): string {
  const filled = Math.round(Math.min(Math.max(part, 0), 1) * width);
  return `[${"█".repeat(filled)}${"░".repeat(width - filled)}]`;
}
