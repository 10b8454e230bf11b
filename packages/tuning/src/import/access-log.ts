import type { TrafficRequest } from "../traffic/traffic-request.ts";
import type { ImportFormat } from "./import-format.ts";

const pattern =
  /^\S+ \S+ \S+ \[(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})\] "POST ([^" ]+)[^"]*" (\d{3}) /;
const generation = /\/(?:completions|responses|generate|generate_stream)(?:\?|$)/;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * Access logs in the common or combined format of Apache and nginx: when requests for text came, to a second, and how
 * they ended. Lines of other requests are passed over. Lengths are not in such a log.
 */
export const accessLog: ImportFormat = {
  name: "access-log",
  matches: (first) => /^\S+ \S+ \S+ \[[^\]]+\] "/.test(first),
  async *read(lines) {
    for await (const { text } of lines) {
      const match = pattern.exec(text);
      if (match === null) continue;
      const [, day, month, year, time, zone, target, status] = match as unknown as string[];
      if (!generation.test(target!)) continue;
      const monthNumber = String(months.indexOf(month!) + 1).padStart(2, "0");
      const offset = `${zone!.slice(0, 3)}:${zone!.slice(3)}`;
      const arrivalMs = Date.parse(`${year}-${monthNumber}-${day}T${time}${offset}`);
      if (!Number.isNaN(arrivalMs)) yield { arrivalMs, ...outcome(Number(status)) };
    }
  },
};

function outcome(status: number): Pick<TrafficRequest, "outcome"> {
  if (status === 429 || status === 503) return { outcome: "refused" };
  if (status === 499) return { outcome: "aborted" };
  return status >= 400 ? { outcome: "failed" } : {};
}
