import { schemaProblems } from "@trtllm-node/core";
import { TrafficError } from "../errors.ts";
import { parseJsonLine } from "../traffic/read-lines.ts";
import { type TrafficRequest, trafficRequestSchema } from "../traffic/traffic-request.ts";
import type { ImportFormat } from "./import-format.ts";

/** What TrafficRecorder writes. */
export const recorded: ImportFormat = {
  name: "recorded",
  matches: (first) => first.startsWith("{") && first.includes('"arrivalMs"'),
  async *read(lines, path) {
    for await (const line of lines) {
      const value = parseJsonLine(line, path);
      const problems = schemaProblems(trafficRequestSchema, value);
      if (problems.length > 0) throw new TrafficError(`${path}, line ${line.number}: ${problems.join(" ")}`);
      yield value as TrafficRequest;
    }
  },
};
