import { type ExecutorOptions, executorConfig } from "../config.ts";
import { ConfigError } from "../errors.ts";
import { libraryFiles } from "../native/library.ts";
import { checkRanks } from "./check-ranks.ts";
import { checkRankFiles, type EngineRanks, readEngineRanks } from "./engine-ranks.ts";
import { hostArguments } from "./host-arguments.ts";

type Config = Omit<ExecutorOptions, "signal" | "onProgress" | "libraryPath" | "lora">;

interface PreparedLoad {
  /** The document for `trtllm_executor_create`. */
  readonly configJson: string;
  readonly isolation: "none" | "process";
  /** Of a TensorRT engine. */
  readonly ranks: EngineRanks | undefined;
}

/**
 * What can be known before anything is loaded. A TensorRT engine gets a process of its own unless told otherwise.
 * @throws ConfigError, EngineError
 */
export async function prepareLoad(path: string, config: Config): Promise<PreparedLoad> {
  const configJson = executorConfig(path, config);
  const ranks = await readEngineRanks(path);
  const isolation = config.isolation ?? (ranks === undefined ? "none" : "process");
  if (config.host !== undefined && isolation !== "process") {
    throw new ConfigError('host is given without isolation: "process". Set that, or leave host out.');
  }
  if (ranks !== undefined) {
    checkRanks(ranks, { ...config, isolation });
    if ((config.parallel?.numNodes ?? 1) === 1) checkRankFiles(path, ranks);
  }
  return { configJson, isolation, ranks };
}

/**
 * The command that starts an engine's processes, as `Executor.create` with `isolation: "process"` runs it. It waits for
 * Node at the other end of its descriptors 3 and 4, so it is for reading, not for running.
 * @throws ConfigError, EngineError, LibraryError
 */
export async function launchLine(path: string, options: ExecutorOptions = {}): Promise<string> {
  const { signal: _signal, onProgress: _onProgress, lora: _lora, libraryPath, ...config } = options;
  const { ranks } = await prepareLoad(path, config);
  const files = libraryFiles(libraryPath);
  return [files.hostPath, ...hostArguments(files, ranks, options)].map(quoted).join(" ");
}

/** As a shell reads it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
