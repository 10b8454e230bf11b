import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AbortedError, ConfigError, InvalidRequestError } from "./errors.ts";
import type { ExecutorBackend } from "./executor-backend.ts";
import type { LoadAdapterOptions, LoraAdapters } from "./executor-like.ts";

/** The adapters of one executor. A name stands for a task id, which is never used again for other weights. */
export class ExecutorLora implements LoraAdapters {
  readonly #native: ExecutorBackend;
  readonly #taskIds = new Map<string, number>();
  readonly #loading = new Set<string>();
  #lastTaskId = 0;

  constructor(native: ExecutorBackend) {
    this.#native = native;
  }

  get names(): readonly string[] {
    return [...this.#taskIds.keys()];
  }

  async load(name: string, path: string, { signal }: LoadAdapterOptions = {}): Promise<void> {
    if (typeof name !== "string" || name === "" || typeof path !== "string" || path === "") {
      throw new ConfigError("A LoRA adapter needs a name and the path of its folder.");
    }
    if (this.#taskIds.has(name) || this.#loading.has(name)) {
      throw new ConfigError(
        `There is already a LoRA adapter ${JSON.stringify(name)}. Unload it first, or take another name.`,
      );
    }
    if (signal?.aborted) throw loadAborted(signal);
    const taskId = ++this.#lastTaskId;
    this.#loading.add(name);
    try {
      await this.#native.loadLora(taskId, resolve(path));
      if (signal?.aborted) {
        this.#native.unloadLora(taskId);
        throw loadAborted(signal);
      }
      this.#taskIds.set(name, taskId);
    } finally {
      this.#loading.delete(name);
    }
  }

  unload(name: string): void {
    const taskId = this.#taskIds.get(name);
    if (taskId === undefined) throw new ConfigError(this.#unknown(name));
    this.#taskIds.delete(name);
    this.#native.unloadLora(taskId);
  }

  /** @throws InvalidRequestError: no adapter has that name */
  taskId(name: string): number {
    const taskId = this.#taskIds.get(name);
    if (taskId === undefined) throw new InvalidRequestError(this.#unknown(name));
    return taskId;
  }

  #unknown(name: string): string {
    const known = this.names.map((each) => JSON.stringify(each)).join(", ") || "none";
    return `There is no LoRA adapter ${JSON.stringify(name)}. Those that are loaded: ${known}.`;
  }
}

/** Folders of adapters by name: those in the engine's `lora`, and those that are given, which come first. */
export async function adapterFolders(
  enginePath: string,
  given: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  const folder = join(enginePath, "lora");
  // An engine may be a file, and have none.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = entries.filter((entry) => entry.isDirectory()).map(({ name }) => [name, join(folder, name)]);
  return { ...Object.fromEntries(found.sort()), ...given };
}

function loadAborted(signal: AbortSignal): AbortedError {
  return new AbortedError("Loading the LoRA adapter was aborted by its signal.", { cause: signal.reason });
}
