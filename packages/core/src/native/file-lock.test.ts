import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { tryLockFile } from "./file-lock.ts";

it("locks a file for one descriptor until that is closed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lock-"));
  try {
    const first = await open(join(folder, "lock"), "a+");
    await using second = await open(join(folder, "lock"), "a+");
    expect(tryLockFile(first.fd)).toBe(true);
    expect(tryLockFile(second.fd)).toBe(false);
    await first.close();
    expect(tryLockFile(second.fd)).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});
