import type { SimulatedEngine } from "../simulate/simulated-engine.ts";
import type { SimulatedRequest } from "../simulate/simulation.ts";
import type { Tried } from "./recommend.ts";
import { longestSequence } from "./sequence-limit.ts";

/** A setting that changes, and why. */
export interface Choice {
  readonly setting: keyof SimulatedEngine;
  readonly from: number | string | boolean;
  readonly to: number | string | boolean;
  /** A sentence with the number that decided it. */
  readonly reason: string;
}

const settings = [
  "maxSequenceTokens",
  "maxBatchSize",
  "maxNumTokens",
  "contextChunkingPolicy",
  "schedulerPolicy",
  "kvBlocks",
] as const;

export function explain(
  from: SimulatedEngine,
  to: SimulatedEngine,
  tried: readonly Tried[],
  requests: readonly SimulatedRequest[],
): Choice[] {
  return settings.flatMap((setting) =>
    from[setting] === to[setting]
      ? []
      : [
          {
            setting,
            from: from[setting],
            to: to[setting],
            reason: reason(setting, from, to, tried, requests),
          },
        ],
  );
}

function reason(
  setting: (typeof settings)[number],
  from: SimulatedEngine,
  to: SimulatedEngine,
  tried: readonly Tried[],
  requests: readonly SimulatedRequest[],
): string {
  if (setting === "maxSequenceTokens") {
    const share = Math.round(100 * (1 - to.maxSequenceTokens / from.maxSequenceTokens));
    return `the longest request of the traffic may use ${count(longestSequence(requests))} tokens; a sequence takes ${share} % less memory.`;
  }
  if (setting === "kvBlocks")
    return `${count(to.kvBlocks * to.tokensPerBlock)} tokens are what the memory allows.`;
  const chosen = goodput(to, tried);
  // The same, but for this setting.
  const kept = nearest(setting, from, to, tried);
  if (kept === undefined || chosen === undefined)
    return "the simulation of the traffic gave most good requests with it.";
  const gain = `${rate(chosen)} good requests/s instead of ${rate(kept.prediction.goodput)} with ${String(kept.engine[setting])}`;
  switch (setting) {
    case "maxBatchSize":
      return `${gain}; ${kept.prediction.meanBatch.toFixed(1)} answers a step then, and ${ms(kept.prediction.interTokenMs.p99)} between tokens at p99.`;
    case "maxNumTokens":
      return `${gain}; a step of so many prompt tokens holds up the answers by ${ms(kept.prediction.interTokenMs.p99)} at p99.`;
    case "contextChunkingPolicy":
      return `${gain}; ${ms(kept.prediction.timeToFirstTokenMs.p90)} to the first token at p90 then.`;
    case "schedulerPolicy":
      return `${gain}; ${kept.prediction.pauses.toFixed(2)} pauses a request then.`;
  }
}

function goodput(engine: SimulatedEngine, tried: readonly Tried[]): number | undefined {
  return tried.find((each) => settings.every((name) => each.engine[name] === engine[name]))?.prediction
    .goodput;
}

/** What was tried that differs in the setting alone, with the value nearest to the one it had. */
function nearest(
  setting: (typeof settings)[number],
  from: SimulatedEngine,
  to: SimulatedEngine,
  tried: readonly Tried[],
): Tried | undefined {
  const others = tried.filter(
    ({ engine }) =>
      engine[setting] !== to[setting] &&
      settings.every((name) => name === setting || engine[name] === to[name]),
  );
  const wanted = from[setting];
  const distance = ({ engine }: Tried) => {
    const value = engine[setting];
    if (typeof value !== "number" || typeof wanted !== "number") return value === wanted ? 0 : 1;
    return Math.abs(Math.log2(value / wanted));
  };
  return others.sort((a, b) => distance(a) - distance(b))[0];
}

const count = (value: number) => value.toLocaleString("en");
const rate = (value: number) => value.toFixed(value < 10 ? 2 : 1);
const ms = (value: number) => `${value.toFixed(0)} ms`;
