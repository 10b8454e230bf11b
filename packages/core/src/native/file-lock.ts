import koffi, { type KoffiFunc } from "koffi";

/** Of flock(2): exclusive, and do not wait. The values are those of Linux and of macOS. */
const LOCK_EX = 2;
const LOCK_NB = 4;

let flock: KoffiFunc<(fd: number, operation: number) => number> | undefined;

/**
 * Locks an open file for this descriptor alone, as flock(2) does: the kernel holds the lock until the descriptor is
 * closed, so it ends with the process, however that ends. Node has no call for it.
 * @returns false where another descriptor holds it
 */
export function tryLockFile(fd: number): boolean {
  // null: what this process has loaded already, the C library.
  flock ??= koffi.load(null).func("int flock(int fd, int operation)");
  return flock(fd, LOCK_EX | LOCK_NB) === 0;
}
