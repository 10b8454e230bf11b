import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { ConfigError } from "@trtllm-node/core";

/**
 * Folder of native-shim: the given one, else that of the workspace that this package lies in.
 * @throws ConfigError
 */
export function nativeSource(given: string | undefined): string {
  const folder = given === undefined ? inWorkspace() : resolve(given);
  if (existsSync(join(folder, "tensorrt_llm/library.cmake"))) return folder;
  throw new ConfigError(
    `There is no source of the native library in ${folder}. Clone the repository and name its native-shim with --source.`,
  );
}

function inWorkspace(): string {
  const core = createRequire(import.meta.url).resolve("@trtllm-node/core/package.json");
  return join(dirname(core), "../../native-shim");
}
