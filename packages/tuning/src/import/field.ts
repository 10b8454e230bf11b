import { TrafficError } from "../errors.ts";
import type { Line } from "../traffic/read-lines.ts";

/**
 * A number in a line.
 * @throws TrafficError where it is none, or negative
 */
export function numberField(value: unknown, name: string, { number }: Line, path: string): number {
  const parsed = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof parsed === "number" && Number.isFinite(parsed) && parsed >= 0) return parsed;
  throw new TrafficError(
    `${path}, line ${number}: ${name} is ${JSON.stringify(value)}, expected a number of 0 or more.`,
  );
}

/**
 * The cells of lines of comma-separated values that know no quotes, by the names in the first line.
 * @throws TrafficError where a line has another number of cells
 */
export async function* csvRows(
  lines: AsyncIterable<Line>,
  path: string,
): AsyncGenerator<{ readonly line: Line; readonly cell: (name: string) => string | undefined }> {
  let names: string[] | undefined;
  for await (const line of lines) {
    const cells = line.text.split(",");
    if (names === undefined) {
      names = cells.map((name) => name.trim());
      continue;
    }
    if (cells.length !== names.length) {
      throw new TrafficError(
        `${path}, line ${line.number} has ${cells.length} cells, expected ${names.length}: ${names.join(", ")}.`,
      );
    }
    const columns = names;
    yield { line, cell: (name) => cells[columns.indexOf(name)] };
  }
}
