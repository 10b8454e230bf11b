import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "../errors.ts";

/** How many ways an engine is split; its ranks are all of them multiplied. */
export interface EngineRanks {
  readonly tensor: number;
  readonly pipeline: number;
  readonly context: number;
  readonly total: number;
}

/**
 * The mapping that an engine directory of trtllm-build was built for; `undefined` where `path` is none. What is wrong
 * with it the executor says when it loads.
 */
export async function readEngineRanks(path: string): Promise<EngineRanks | undefined> {
  if (!existsSync(join(path, "rank0.engine"))) return undefined;
  const mapping = mappingOf(await readFile(join(path, "config.json"), "utf8").catch(() => ""));
  const [tensor, pipeline, context] = ["tp_size", "pp_size", "cp_size"].map((name) => {
    const value = mapping[name];
    return Number.isInteger(value) && (value as number) > 0 ? (value as number) : 1;
  }) as [number, number, number];
  return { tensor, pipeline, context, total: tensor * pipeline * context };
}

/**
 * With all ranks on this machine, all their files are needed here, and that is known before any process starts.
 * @throws EngineError
 */
export function checkRankFiles(path: string, { total }: EngineRanks): void {
  const names = Array.from({ length: total }, (_, rank) => `rank${rank}.engine`);
  const missing = names.filter((name) => !existsSync(join(path, name)));
  if (missing.length === 0) return;
  const what = missing.length === 1 ? `${missing[0]} is missing` : `${missing.join(", ")} are missing`;
  throw new EngineError(
    "ERR_ENGINE_CORRUPT",
    `The engine ${path} is for ${total} ranks, and ${what}. Copy or build the whole engine again.`,
    path,
  );
}

function mappingOf(config: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(config).pretrained_config?.mapping ?? {};
  } catch {
    return {};
  }
}
