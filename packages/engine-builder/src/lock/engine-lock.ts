import { z } from "zod";
import { gpuNames } from "../memory/gpus.ts";

export const lockFileName = "engine.lock.json";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.int().min(0);

/** `engine.lock.json`: what an engine was made of, with what, and what its files must be. */
export const engineLockSchema = z.object({
  formatVersion: z.literal(1),
  builder: z.string(),
  target: z.object({
    executor: z.enum(["tensorrt-llm", "embedded"]),
    /** Of TensorRT-LLM, as the engine itself says. */
    version: z.string().optional(),
    gpu: z.enum(gpuNames).optional(),
    /** Such as "9.0". */
    computeCapability: z.string().optional(),
    gpuCount: z.int().min(1),
  }),
  source: z.object({ model: z.string(), sha256 }),
  /** Every setting, as it was built. */
  config: z.record(z.string(), z.unknown()),
  /** The commands that built it, in order. */
  commands: z.array(z.string()),
  /** What TensorRT measured, by rank. */
  measures: z.record(z.string(), z.array(z.number().nullable())),
  /** Every other file, by its path in the engine directory with "/". */
  files: z.record(z.string(), z.object({ bytes, sha256 })),
});

export type EngineLock = z.infer<typeof engineLockSchema>;
