import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { TrafficError } from "../errors.ts";
import { mooncakeBlockTokens } from "../import/mooncake.ts";
import type { TrafficRequest } from "./traffic-request.ts";

/**
 * Writes requests as a trace that AIPerf, Dynamo and Mooncake's own tools replay. Times count from the first request.
 * @throws TrafficError: a length is not known, or the prefixes are not of blocks of 512 tokens
 */
export async function writeMooncakeTrace(path: string, requests: readonly TrafficRequest[]): Promise<void> {
  const start = requests[0]?.arrivalMs ?? 0;
  const ids = new Map<number, number>();
  const lines = requests.map((request) => `${JSON.stringify(traceLine(request, start, ids))}\n`);
  const file = createWriteStream(path);
  for (const line of lines) if (!file.write(line)) await once(file, "drain");
  file.end();
  await once(file, "finish");
}

function traceLine(request: TrafficRequest, start: number, ids: Map<number, number>) {
  const { promptTokens, completionTokens, prefixBlocks, blockTokens } = request;
  if (promptTokens === undefined || completionTokens === undefined) {
    throw new TrafficError("A request's lengths are not known, and a Mooncake trace needs both.");
  }
  if (prefixBlocks !== undefined && mooncakeBlockTokens % blockTokens! !== 0) {
    throw new TrafficError(
      `Prefix blocks of ${blockTokens} tokens do not fill Mooncake's of ${mooncakeBlockTokens}. Record blocks of 64.`,
    );
  }
  const step = mooncakeBlockTokens / (blockTokens ?? mooncakeBlockTokens);
  const last = prefixBlocks?.filter((_, index) => (index + 1) % step === 0);
  return {
    timestamp: Math.round(request.arrivalMs - start),
    input_length: promptTokens,
    output_length: completionTokens,
    ...(last && { hash_ids: last.map((hash) => numberOf(hash, ids)) }),
  };
}

/** Numbers in order of appearance, as in Mooncake's own traces. */
function numberOf(hash: number, ids: Map<number, number>): number {
  const known = ids.get(hash);
  if (known !== undefined) return known;
  ids.set(hash, ids.size);
  return ids.size - 1;
}
