import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AbortedError, ConfigError, TrtllmError } from "@trtllm-node/core";
import { cacheFolder } from "../cache-folder.ts";
import { BuildError, DownloadError } from "../errors.ts";
import { BuildLock } from "../stages/build-lock.ts";
import { publishFolder } from "../stages/durable.ts";
import { fetchFile } from "./fetch-file.ts";
import { type HubAccess, hubFiles, resolveCommit } from "./hub-files.ts";
import { parseHubModel } from "./hub-model.ts";

export interface PullOptions {
  /** Directory to make. Default: one below the user's cache folder, named after the model and its commit. */
  readonly output?: string | undefined;
  /** Address of the hub. Default: HF_ENDPOINT, else https://huggingface.co. */
  readonly endpoint?: string | undefined;
  /** For private and gated models. Default: HF_TOKEN. */
  readonly accessToken?: string | undefined;
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PullProgress {
  /** The file that is being fetched. */
  readonly file: string;
  /** Bytes of all files that are there, and that there will be. */
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface PulledModel {
  /** Hugging Face model directory, absolute. */
  readonly path: string;
  readonly name: string;
  readonly commit: string;
}

/**
 * Fetches a model from the Hugging Face hub: its configuration, tokenizer and safetensors, at the commit that the
 * revision names now. Each file's digest is checked, the directory has its name only once it is whole, and a run after
 * a broken connection or a kill goes on where that ended. Does nothing where the commit is there already.
 * @param model `hf:owner/name` or `hf:owner/name@revision`; "hf:" may be left out
 * @throws ConfigError; ModelError where the hub does not give it, or it has no safetensors; DownloadError;
 * BuildError where the disk is full; BuildLockedError where another process fetches it; AbortedError
 */
export async function pullModel(model: string, options: PullOptions = {}): Promise<PulledModel> {
  const { output, signal } = options;
  const hubModel = parseHubModel(model);
  const access = hubAccess(options);
  try {
    signal?.throwIfAborted();
    const commit = await resolveCommit(hubModel, access);
    const { name } = hubModel;
    const path = output === undefined ? cachedPath(name, commit) : resolve(output);
    if (await exists(path)) {
      if (output === undefined) return { path, name, commit };
      if ((await readdir(path)).length > 0) {
        throw new ConfigError(`output is ${path}, which is not empty. Give another.`);
      }
    }
    await fetchAll(name, commit, path, access, options);
    return { path, name, commit };
  } catch (error) {
    throw described(error, signal);
  }
}

async function fetchAll(
  name: string,
  commit: string,
  path: string,
  access: HubAccess,
  { onProgress, signal }: PullOptions,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // The commit in the name: what another commit left is not continued.
  const partial = `${path}.${commit.slice(0, 12)}.partial`;
  await using _held = await BuildLock.acquire(`${partial}.lock`);
  const files = await hubFiles(name, commit, access);
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  await mkdir(partial, { recursive: true });
  let before = 0;
  for (const file of files) {
    const onBytes = (bytes: number) => onProgress?.({ file: file.path, bytes: before + bytes, totalBytes });
    await fetchFile({ name, commit, file, path: join(partial, file.path), signal, onBytes }, access);
    before += file.bytes;
  }
  await publishFolder(partial, path);
  await rm(`${partial}.lock`, { force: true });
}

function hubAccess({ endpoint, accessToken, signal }: PullOptions): HubAccess {
  const token = accessToken ?? (process.env.HF_TOKEN || undefined);
  if (token !== undefined && !token.startsWith("hf_")) {
    throw new ConfigError("The access token is none of the hub's: they begin with hf_. Check HF_TOKEN.");
  }
  const hubUrl = endpoint ?? (process.env.HF_ENDPOINT || "https://huggingface.co");
  return {
    hubUrl: hubUrl.replace(/\/+$/, ""),
    accessToken: token,
    fetch: (input, init) => fetch(input, { ...init, ...(signal && { signal }) }),
  };
}

function cachedPath(name: string, commit: string): string {
  return join(cacheFolder(), "models", name.replace("/", "--"), commit);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

function described(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return new AbortedError("The download was ended.", { cause: signal.reason });
  if (TrtllmError.isInstance(error)) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC") {
    return new BuildError(
      `No space is left on the disk: ${message}. Free some and run it again: it resumes.`,
      {
        cause: error,
      },
    );
  }
  return new DownloadError(`The model cannot be fetched: ${message}.`, { cause: error });
}
