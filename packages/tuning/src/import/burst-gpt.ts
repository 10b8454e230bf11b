import { csvRows, numberField } from "./field.ts";
import type { ImportFormat } from "./import-format.ts";

/** BurstGPT's traces: seconds, lengths, and in newer ones the time that an answer took. An answer of no tokens failed. */
export const burstGpt: ImportFormat = {
  name: "burstgpt",
  matches: (first) => first.startsWith("Timestamp,") && first.includes("Request tokens"),
  async *read(lines, path) {
    for await (const { line, cell } of csvRows(lines, path)) {
      const number = (name: string) => numberField(cell(name), name, line, path);
      const completionTokens = number("Response tokens");
      const elapsed = cell("Elapsed time");
      yield {
        arrivalMs: number("Timestamp") * 1000,
        promptTokens: number("Request tokens"),
        completionTokens,
        ...(completionTokens === 0 && { outcome: "failed" }),
        ...(elapsed && { totalMs: number("Elapsed time") * 1000 }),
      };
    }
  },
};
