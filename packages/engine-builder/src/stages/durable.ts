import { open, readdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Every regular file under `folder`, as paths relative to it with "/", in a fixed order. */
export async function filesUnder(folder: string, prefix = ""): Promise<string[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true });
  const nested = await Promise.all(
    entries
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(async (entry) => {
        const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
        if (entry.isDirectory()) return filesUnder(folder, path);
        return entry.isFile() ? [path] : [];
      }),
  );
  return nested.flat();
}

/** Gives a finished folder its name, once all that is in it lies on the disk: after a power cut it is whole or absent. */
export async function publishFolder(from: string, to: string): Promise<void> {
  for (const file of await filesUnder(from)) await syncToDisk(join(from, file));
  await syncToDisk(from);
  await rename(from, to);
  await syncToDisk(dirname(to));
}

/** Waits until a file, or the names in a folder, are on the disk. */
export async function syncToDisk(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
}
