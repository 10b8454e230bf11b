import { type FileHandle, open } from "node:fs/promises";
import koffi, { type KoffiFunc } from "koffi";
import { BuildLockedError } from "../errors.ts";

/** Of flock(2): exclusive, and do not wait. The values are those of Linux and of macOS. */
const LOCK_EX = 2;
const LOCK_NB = 4;

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
    if (flock(file.fd, LOCK_EX | LOCK_NB) !== 0) {
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

let loaded: KoffiFunc<(fd: number, operation: number) => number> | undefined;

function flock(fd: number, operation: number): number {
  // null: what this process has loaded already, the C library.
  loaded ??= koffi.load(null).func("int flock(int fd, int operation)");
  return loaded(fd, operation);
}
