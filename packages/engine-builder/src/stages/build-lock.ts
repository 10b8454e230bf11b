import { type FileHandle, open } from "node:fs/promises";
import { tryLockFile } from "@trtllm-node/core";
import { BuildLockedError } from "../errors.ts";

/**
 * Keeps a second build out of a folder. The kernel holds the lock, so it ends with this process, however that ends.
 * @throws BuildLockedError where another process has it
 */
export class BuildLock implements AsyncDisposable {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async acquire(path: string): Promise<BuildLock> {
    const file = await open(path, "a+");
    if (!tryLockFile(file.fd)) {
      const holder = (await file.readFile("utf8")).trim();
      await file.close();
      const who = holder === "" ? "Another process" : `Process ${holder}`;
      throw new BuildLockedError(`${who} builds here (${path}). Wait for it, or give another output.`);
    }
    await file.truncate();
    await file.write(`${process.pid}\n`);
    return new BuildLock(file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}
