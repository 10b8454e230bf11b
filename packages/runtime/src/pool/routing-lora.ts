import type { ExecutorLike, LoadAdapterOptions, LoraAdapters } from "@trtllm-node/core";
import { adaptersOf } from "../lora.ts";

/** The adapters of a model that several engines answer for: each of them has the same. */
export class RoutingLora implements LoraAdapters {
  readonly #copies: () => readonly ExecutorLike[];
  /** Paths of those that were loaded since, by name. */
  readonly #added = new Map<string, string>();

  constructor(copies: () => readonly ExecutorLike[]) {
    this.#copies = copies;
  }

  get names(): readonly string[] {
    const [first] = this.#copies();
    return first === undefined ? [] : adaptersOf(first).names;
  }

  async load(name: string, path: string, options?: LoadAdapterOptions): Promise<void> {
    const loaded: LoraAdapters[] = [];
    try {
      for (const copy of this.#copies()) {
        const adapters = adaptersOf(copy);
        await adapters.load(name, path, options);
        loaded.push(adapters);
      }
      this.#added.set(name, path);
    } catch (error) {
      for (const adapters of loaded) adapters.unload(name);
      throw error;
    }
  }

  unload(name: string): void {
    for (const copy of this.#copies()) adaptersOf(copy).unload(name);
    this.#added.delete(name);
  }

  /** Gives engines that are to take over the adapters that these here got since they were loaded. */
  async equip(engines: readonly ExecutorLike[]): Promise<void> {
    for (const engine of engines) {
      for (const [name, path] of this.#added) {
        const adapters = adaptersOf(engine);
        if (!adapters.names.includes(name)) await adapters.load(name, path);
      }
    }
  }
}
