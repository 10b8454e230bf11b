import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BundleError } from "../errors.ts";
import { type EngineLock, lockFileName } from "../lock/engine-lock.ts";
import { inspectModel } from "../model/inspect-model.ts";
import { digestFolder, digestOf } from "../stages/digest.ts";
import { filesUnder } from "../stages/durable.ts";
import { version } from "../version.ts";

/**
 * Writes `engine.lock.json` for a directory of the embedded executor: one GGUF and the tokenizer files beside it.
 * Engines of TensorRT-LLM get theirs when they are built.
 * @throws BundleError where there is no GGUF; ModelError where it is damaged
 */
export async function lockEngine(folder: string, signal?: AbortSignal): Promise<EngineLock> {
  const names = await filesUnder(folder);
  const ggufs = names.filter((name) => name.endsWith(".gguf"));
  const [gguf] = ggufs;
  if (gguf === undefined || ggufs.length > 1) {
    throw new BundleError(
      `${folder} has no ${lockFileName} and ${gguf === undefined ? "no GGUF" : `${ggufs.length} GGUF files`}. ` +
        "An engine of TensorRT-LLM gets its lock file when it is built; one of the embedded executor is one GGUF, not a link to it.",
      folder,
    );
  }
  await inspectModel(join(folder, gguf));
  const files = await digestFolder(folder, names, () => {}, signal);
  const lock: EngineLock = {
    formatVersion: 1,
    builder: `@trtllm-node/engine-builder ${version}`,
    target: { executor: "embedded", gpuCount: 1 },
    source: { model: gguf, sha256: digestOf(files[gguf]) },
    config: {},
    commands: [],
    measures: {},
    files,
  };
  await writeFile(join(folder, lockFileName), `${JSON.stringify(lock, undefined, 2)}\n`);
  return lock;
}
