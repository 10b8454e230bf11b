import { TrafficError } from "../errors.ts";
import { parseJsonLine } from "../traffic/read-lines.ts";
import { numberField } from "./field.ts";
import type { ImportFormat } from "./import-format.ts";

/** Tokens that one of Mooncake's `hash_ids` stands for, as its repository says. */
export const mooncakeBlockTokens = 512;

/** Mooncake's traces, which AIPerf and DynoSim read and write too: milliseconds, lengths, prefix blocks of 512 tokens. */
export const mooncake: ImportFormat = {
  name: "mooncake",
  matches: (first) => first.startsWith("{") && first.includes('"input_length"'),
  async *read(lines, path) {
    for await (const line of lines) {
      const { timestamp, input_length, output_length, hash_ids } = parseJsonLine(line, path);
      const number = (value: unknown, name: string) => numberField(value, name, line, path);
      if (hash_ids !== undefined && !(Array.isArray(hash_ids) && hash_ids.every(Number.isSafeInteger))) {
        throw new TrafficError(`${path}, line ${line.number}: hash_ids is no list of whole numbers.`);
      }
      yield {
        arrivalMs: number(timestamp, "timestamp"),
        promptTokens: number(input_length, "input_length"),
        completionTokens: number(output_length, "output_length"),
        ...(hash_ids && { blockTokens: mooncakeBlockTokens, prefixBlocks: hash_ids as number[] }),
      };
    }
  },
};
