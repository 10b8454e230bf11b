import { constants } from "node:fs";
import { copyFile, link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConfigError } from "@trtllm-node/core";
import { type EngineLock, engineLockSchema, lockFileName } from "../lock/engine-lock.ts";
import { filesUnder, publishFolder } from "./durable.ts";

/** Files of a Hugging Face model that the runtime reads beside an engine. */
const tokenizerFiles = [
  ...[
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
  ],
  ...["vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json", "generation_config.json"],
];

/** What the engine directory will hold: paths in it, and where each comes from. */
export async function outputFiles(engine: string, model: string): Promise<Map<string, string>> {
  const files = new Map((await filesUnder(engine)).map((name) => [name, join(engine, name)]));
  const present = new Set(await readdir(model));
  for (const name of tokenizerFiles) if (present.has(name)) files.set(name, join(model, name));
  return files;
}

/** Puts the files into `folder`. Large ones become a second name of the same data where the file system can. */
export async function placeFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, source] of files) {
    const target = join(folder, name);
    await mkdir(dirname(target), { recursive: true });
    // Only what is ours to share: whoever edits a tokenizer of the model must not edit the engine.
    if (/\.(engine|gguf)$/.test(name)) await link(source, target).catch(() => copyFile(source, target));
    else await copyFile(source, target, constants.COPYFILE_FICLONE);
  }
}

/**
 * Makes `folder` the output. An older engine there steps aside first and is removed last.
 * @param aside path on the same file system
 */
export async function publishOutput(
  folder: string,
  output: string,
  lock: EngineLock,
  aside: string,
): Promise<void> {
  await writeFile(join(folder, lockFileName), `${JSON.stringify(lock, undefined, 2)}\n`);
  await mkdir(dirname(output), { recursive: true });
  await rm(aside, { recursive: true, force: true });
  if (await stat(output).catch(() => undefined)) await rename(output, aside);
  await publishFolder(folder, output);
  await rm(aside, { recursive: true, force: true });
}

/**
 * The lock file of the engine at `output`; `undefined` where nothing is there.
 * @throws ConfigError where something else is there, which is not ours to replace
 */
export async function existingOutput(output: string): Promise<EngineLock | undefined> {
  const names = await readdir(output).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new ConfigError(`output is ${output}, which is no directory.`, { cause: error });
  });
  if (names.length === 0) return undefined;
  const text = await readFile(join(output, lockFileName), "utf8").catch(() => undefined);
  if (text === undefined) {
    throw new ConfigError(
      `output is ${output}, which holds something that is no engine of this builder. Give another.`,
    );
  }
  // Ours, but from another version or damaged: it is built again.
  const lock = engineLockSchema.safeParse(parseJson(text)).data;
  return lock !== undefined && (await isComplete(output, lock)) ? lock : undefined;
}

async function isComplete(output: string, { files }: EngineLock): Promise<boolean> {
  for (const [name, { bytes }] of Object.entries(files)) {
    const status = await stat(join(output, name)).catch(() => undefined);
    if (status?.size !== bytes) return false;
  }
  return true;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
