import { ConfigError, schemaProblems } from "@trtllm-node/core";
import { z } from "zod";
import { type BuildConfig, buildConfigSchema } from "./build-config.ts";

/**
 * Checks everything that can be checked without the model, and fills in the defaults.
 * @throws ConfigError naming every field that is unknown, of the wrong type or out of range
 */
export function parseBuildConfig(input: unknown): BuildConfig {
  const parsed = buildConfigSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = schemaProblems(buildConfigSchema, input);
  throw new ConfigError(`The build configuration cannot be used. ${problems.join(" ")}`, {
    cause: parsed.error,
  });
}

/** JSON Schema (draft 2020-12) of what `parseBuildConfig` takes, for editors. */
export function buildConfigJsonSchema(): object {
  return z.toJSONSchema(buildConfigSchema, { io: "input" });
}
