import { z } from "zod";
import type { TrafficRequest } from "../traffic/traffic-request.ts";

const limit = z.number().positive();

export const serviceLevelSchema = z.strictObject({
  timeToFirstTokenMs: limit.optional(),
  interTokenMs: limit.optional(),
  totalMs: limit.optional(),
});

/**
 * What a request must keep to be good: each limit that is given. `interTokenMs` is the request's mean time between
 * tokens, as AIPerf counts goodput.
 */
export type ServiceLevel = Readonly<z.infer<typeof serviceLevelSchema>>;

const limits = ["timeToFirstTokenMs", "interTokenMs", "totalMs"] as const;

export type RequestTimes = Pick<TrafficRequest, "outcome" | (typeof limits)[number]>;

/** Whether a request ended well and in time; `undefined` where a time that has a limit is not known. */
export function isGood(request: RequestTimes, level: ServiceLevel): boolean | undefined {
  const { outcome } = request;
  if (outcome !== undefined && outcome !== "end" && outcome !== "stop" && outcome !== "length") return false;
  let known = true;
  for (const name of limits) {
    const [most, time] = [level[name], request[name]];
    if (most === undefined) continue;
    if (time !== undefined && time > most) return false;
    // An answer of one token has no time between tokens.
    known &&= time !== undefined || (name === "interTokenMs" && request.timeToFirstTokenMs !== undefined);
  }
  return known ? true : undefined;
}
