import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { publishFolder } from "./durable.ts";

/** Finished stages of a build, each in a folder that is named after a digest of all that went into it. */
export class StageStore {
  readonly folder: string;

  /** @param folder on the same file system as the output, so that finished work is moved and not copied */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Where the stage of these inputs lies once it is finished. */
  path(name: string, key: string): string {
    return join(this.folder, `${name}-${key.slice(0, 16)}`);
  }

  async has(name: string, key: string): Promise<boolean> {
    return (await stat(this.path(name, key)).catch(() => undefined)) !== undefined;
  }

  /**
   * Lets `make` fill an empty folder, which gets its name only when it is whole. What a run leaves that is killed
   * meanwhile has another name, and the next run clears it away.
   */
  async make(name: string, key: string, make: (folder: string) => Promise<void>): Promise<string> {
    const path = this.path(name, key);
    const partial = `${path}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await make(partial);
    await publishFolder(partial, path);
    return path;
  }
}
