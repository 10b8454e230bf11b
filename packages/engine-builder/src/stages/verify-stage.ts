import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import { BuildError } from "../errors.ts";
import { readSafetensorsHeader } from "../model/safetensors.ts";

const checkpointSchema = z.object({
  architecture: z.string(),
  mapping: z.object({ tp_size: z.int(), pp_size: z.int() }),
});

/**
 * Looks whether a checkpoint is whole: the exit code of a tool does not say it.
 * @throws BuildError, ModelError
 */
export async function verifyCheckpoint(folder: string, { parallel }: ResolvedBuildConfig): Promise<void> {
  const { mapping } = await readConfig(folder, checkpointSchema, "checkpoint");
  if (mapping.tp_size !== parallel.tensor || mapping.pp_size !== parallel.pipeline) {
    const made = `tensor ${mapping.tp_size} × pipeline ${mapping.pp_size}`;
    throw new BuildError(`The checkpoint is for ${made}, not for ${parallel.tensor} × ${parallel.pipeline}.`);
  }
  for (let rank = 0; rank < parallel.tensor * parallel.pipeline; rank++) {
    const name = `rank${rank}.safetensors`;
    if (!(await size(join(folder, name))))
      throw new BuildError(`The checkpoint lacks ${name}, though its tool succeeded.`);
    await readSafetensorsHeader(join(folder, name));
  }
}

const engineSchema = z.object({
  version: z.string(),
  build_config: z.object({
    max_batch_size: z.int(),
    max_input_len: z.int(),
    max_seq_len: z.int(),
    max_num_tokens: z.int(),
    max_beam_width: z.int(),
  }),
});

export interface BuiltEngine {
  readonly version: string;
  /** Limits that trtllm-build changed, as sentences. */
  readonly changes: readonly string[];
}

/**
 * Looks whether an engine is whole, and what trtllm-build made of its limits.
 * @throws BuildError
 */
export async function verifyEngine(folder: string, config: ResolvedBuildConfig): Promise<BuiltEngine> {
  const { tensor, pipeline, context } = config.parallel;
  for (let rank = 0; rank < tensor * pipeline * context; rank++) {
    const name = `rank${rank}.engine`;
    if (!(await size(join(folder, name))))
      throw new BuildError(`trtllm-build ended well, but made no ${name}.`);
  }
  const { version, build_config: built } = await readConfig(folder, engineSchema, "engine");
  const { limits } = config;
  const pairs = {
    maxBatchSize: [limits.maxBatchSize, built.max_batch_size],
    maxInputTokens: [limits.maxInputTokens, built.max_input_len],
    maxSequenceTokens: [limits.maxSequenceTokens, built.max_seq_len],
    maxNumTokens: [limits.maxNumTokens, built.max_num_tokens],
    maxBeamWidth: [limits.maxBeamWidth, built.max_beam_width],
  };
  const changes = Object.entries(pairs)
    .filter(([, [asked, made]]) => asked !== made)
    .map(([name, [asked, made]]) => `trtllm-build made limits.${name} ${made}, not ${asked}.`);
  return { version, changes };
}

async function readConfig<T>(folder: string, schema: z.ZodType<T>, what: string): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(join(folder, "config.json"), "utf8")));
  } catch (cause) {
    throw new BuildError(`The ${what} in ${folder} has no config.json that can be read.`, { cause });
  }
}

async function size(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}
