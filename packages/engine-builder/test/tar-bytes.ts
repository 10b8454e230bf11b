import { createHash } from "node:crypto";
import { Header, type HeaderData } from "tar";

interface Entry {
  readonly path: string;
  readonly content?: string | Buffer;
  readonly type?: HeaderData["type"];
  readonly linkpath?: string;
  /** What the header claims; default: what the content has. */
  readonly size?: number;
}

/** A tar of exactly these entries, sound or not. */
export function tarBytes(entries: readonly Entry[], end = Buffer.alloc(1024)): Buffer {
  return Buffer.concat([...entries.map(entryBytes), end]);
}

function entryBytes({ path, content = "", type = "File", linkpath, size }: Entry): Buffer {
  const data = Buffer.from(content as string);
  const block = Buffer.alloc(512);
  const header = new Header({ path, type, size: size ?? data.length, mode: 0o644, mtime: new Date(0) });
  if (linkpath !== undefined) header.linkpath = linkpath;
  header.encode(block, 0);
  return Buffer.concat([block, data, Buffer.alloc(-data.length & 511)]);
}

/** A lock file for these files, as text. */
export function lockOf(files: Readonly<Record<string, string | Buffer>>, change: object = {}): string {
  const digests = Object.entries(files).map(([name, content]) => [
    name,
    { bytes: Buffer.byteLength(content), sha256: createHash("sha256").update(content).digest("hex") },
  ]);
  return JSON.stringify({
    formatVersion: 1,
    builder: "test",
    target: { executor: "embedded", gpuCount: 1 },
    source: { model: "m", sha256: "0".repeat(64) },
    config: {},
    commands: [],
    measures: {},
    files: Object.fromEntries(digests),
    ...change,
  });
}
