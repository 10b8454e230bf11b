import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { TrafficError } from "../errors.ts";

/** A line of a text file, counted from 1. */
export interface Line {
  readonly text: string;
  readonly number: number;
}

/**
 * The lines of a file that are not empty.
 * @throws TrafficError where it cannot be read
 */
export async function* readLines(path: string): AsyncGenerator<Line> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  try {
    for await (const text of lines) {
      number += 1;
      if (text.trim() !== "") yield { text, number };
    }
  } catch (cause) {
    throw new TrafficError(`${path} cannot be read: ${(cause as Error).message}.`, { cause });
  } finally {
    lines.close();
  }
}

/** @throws TrafficError where the line is no JSON object */
export function parseJsonLine({ text, number }: Line, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TrafficError(`${path}, line ${number} is no JSON: ${(cause as Error).message}.`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TrafficError(`${path}, line ${number} is no JSON object. Expected one object a line.`);
  }
  return value as Record<string, unknown>;
}
