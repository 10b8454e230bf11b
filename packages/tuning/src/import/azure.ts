import { TrafficError } from "../errors.ts";
import { csvRows, numberField } from "./field.ts";
import type { ImportFormat } from "./import-format.ts";

/** Azure's LLM inference traces of 2023 and 2024: TIMESTAMP, ContextTokens, GeneratedTokens. */
export const azure: ImportFormat = {
  name: "azure",
  matches: (first) => /^TIMESTAMP,ContextTokens,GeneratedTokens\s*$/.test(first),
  async *read(lines, path) {
    for await (const { line, cell } of csvRows(lines, path)) {
      yield {
        arrivalMs: timestamp(cell("TIMESTAMP") ?? "", line.number, path),
        promptTokens: numberField(cell("ContextTokens"), "ContextTokens", line, path),
        completionTokens: numberField(cell("GeneratedTokens"), "GeneratedTokens", line, path),
      };
    }
  },
};

/** Such as "2023-11-16 18:17:03.9799600" or "2024-05-10 00:00:00.009930+00:00"; without a zone it is UTC. */
function timestamp(text: string, line: number, path: string): number {
  const parts = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?(?:Z|\+00:00)?$/.exec(text.trim());
  const seconds = parts === null ? Number.NaN : Date.parse(`${parts[1]}T${parts[2]}Z`);
  if (Number.isNaN(seconds)) {
    throw new TrafficError(
      `${path}, line ${line}: TIMESTAMP is ${JSON.stringify(text)}, expected one such as "2023-11-16 18:17:03.97".`,
    );
  }
  return seconds + Number(parts?.[3] ?? 0) * 1000;
}
