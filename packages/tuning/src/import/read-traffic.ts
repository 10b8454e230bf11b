import { TrafficError } from "../errors.ts";
import { type Line, readLines } from "../traffic/read-lines.ts";
import type { TrafficRequest } from "../traffic/traffic-request.ts";
import { accessLog } from "./access-log.ts";
import { azure } from "./azure.ts";
import { burstGpt } from "./burst-gpt.ts";
import type { ImportFormat } from "./import-format.ts";
import { mooncake } from "./mooncake.ts";
import { openAiLog } from "./openai-log.ts";
import { recorded } from "./recorded.ts";

const formats: readonly ImportFormat[] = [recorded, mooncake, azure, burstGpt, openAiLog, accessLog];

/** What files `readTraffic` reads. */
export const trafficFormats: readonly string[] = formats.map(({ name }) => name);

/**
 * Reads files of traffic, each of a kind that its first line tells, and brings the requests into the order of their
 * arrival.
 * @throws TrafficError: a file cannot be read, or is of no kind that is known; no request is in it
 */
export async function readTraffic(paths: readonly string[]): Promise<TrafficRequest[]> {
  const requests: TrafficRequest[] = [];
  for (const path of paths) {
    for await (const request of readFile(path)) requests.push(request);
  }
  if (requests.length === 0) throw new TrafficError(`There is no request in ${paths.join(", ")}.`);
  return requests.sort((a, b) => a.arrivalMs - b.arrivalMs);
}

async function* readFile(path: string): AsyncGenerator<TrafficRequest> {
  const lines = readLines(path);
  const first = await lines.next();
  if (first.done) return;
  const format = formats.find((each) => each.matches(first.value.text));
  if (format === undefined) {
    await lines.return(undefined);
    throw new TrafficError(
      `${path} begins as no kind of traffic file that is known: ${trafficFormats.join(", ")}. docs/traffic.md shows each.`,
    );
  }
  yield* format.read(from(first.value, lines), path);
}

async function* from(first: Line, rest: AsyncIterable<Line>): AsyncGenerator<Line> {
  yield first;
  yield* rest;
}
