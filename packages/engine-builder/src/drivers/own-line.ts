import { z } from "zod";
import type { LogEvent } from "./build-log.ts";

const schema = z.union([
  z.object({ progress: z.string(), fraction: z.number().min(0).max(1) }),
  z.object({ warning: z.string() }),
]);

/** What our Python programs tell, one JSON object a line; `undefined` for what libraries print between. */
export function readOwnLine(line: string): LogEvent | undefined {
  if (!line.startsWith('{"')) return undefined;
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = schema.safeParse(document).data;
  if (parsed === undefined) return undefined;
  if ("warning" in parsed) return { kind: "warning", message: parsed.warning };
  return { kind: "milestone", name: parsed.progress, rank: 0, fraction: parsed.fraction };
}
