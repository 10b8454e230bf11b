import type { ExecutorOptions } from "@trtllm-node/core";

/**
 * Executor options written as "maxBatchSize=4,kvCache.maxTokens=8192". Whether they exist is checked when an engine is
 * loaded with them. `undefined` where the text is something else, such as a path.
 */
export function parseSettings(text: string): ExecutorOptions | undefined {
  const pairs = text.split(",").map((pair) => /^([A-Za-z]+(?:\.[A-Za-z]+)*)=([^=/]+)$/.exec(pair));
  const options: Record<string, unknown> = {};
  for (const pair of pairs) {
    if (pair === null) return undefined;
    const path = pair[1]!.split(".");
    const last = path.pop()!;
    const parent = path.reduce<Record<string, unknown>>((object, key) => {
      object[key] ??= {};
      return object[key] as Record<string, unknown>;
    }, options);
    parent[last] = value(pair[2]!);
  }
  return options as ExecutorOptions;
}

function value(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  return Number.isNaN(Number(text)) ? text : Number(text);
}
