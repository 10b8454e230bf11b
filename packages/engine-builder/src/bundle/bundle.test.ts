import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { AbortedError, ConfigError, UnsupportedError } from "@trtllm-node/core";
import { execa } from "execa";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { modelPath } from "../../../../test/support/model.ts";
import { lockOf, tarBytes } from "../../test/tar-bytes.ts";
import { BundleError } from "../errors.ts";
import { hasZstd } from "./decompress.ts";
import { packBundle } from "./pack-bundle.ts";
import { unpackBundle } from "./unpack-bundle.ts";
import { verifyEngine } from "./verify-engine.ts";

let folder: string;
let engine: string;
let bundle: string;
let target: string;

const files = {
  "rank0.engine": "the weights ".repeat(10_000),
  "lora/0/adapter.json": "{}",
  "config.json": "{}",
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bundle-"));
  engine = join(folder, "engine");
  bundle = join(folder, "engine.tar.gz");
  target = join(folder, "unpacked");
  await mkdir(join(engine, "lora/0"), { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(engine, name), content);
  await writeFile(join(engine, "engine.lock.json"), lockOf(files));
});

afterEach(() => rm(folder, { recursive: true }));

async function contents(of: string): Promise<Record<string, string>> {
  const names = await readdir(of, { recursive: true, withFileTypes: true });
  const paths = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = paths.map(async (path) => [path.slice(of.length + 1), await readFile(path, "utf8")] as const);
  return Object.fromEntries(await Promise.all(pairs));
}

describe("packBundle and unpackBundle", () => {
  it.each(["gzip", "none"] as const)("give an engine back as it was: %s", async (compression) => {
    await packBundle(engine, bundle, { compression });
    const fractions: number[] = [];
    const lock = await unpackBundle(bundle, target, { onProgress: (fraction) => fractions.push(fraction) });
    const { "engine.lock.json": written, ...rest } = await contents(target);
    expect(rest).toEqual(files);
    expect(JSON.parse(written ?? "")).toEqual(lock);
    expect(fractions.at(-1)).toBe(1);
    expect(await verifyEngine(target)).toEqual(await verifyEngine(bundle));
  });

  it("make the same bytes of the same engine, and what GNU tar reads", async () => {
    await packBundle(engine, bundle);
    const again = join(folder, "again.tar.gz");
    await packBundle(engine, again);
    expect((await readFile(again)).equals(await readFile(bundle))).toBe(true);
    const { stdout } = await execa("tar", ["-tzf", bundle]);
    expect(stdout.split("\n")).toEqual([
      "engine.lock.json",
      "config.json",
      "lora/0/adapter.json",
      "rank0.engine",
    ]);
  });

  it("say that zstd needs a newer Node, or use it", async () => {
    const packing = packBundle(engine, bundle, { compression: "zstd" });
    if (!hasZstd()) return expect(packing).rejects.toThrow(UnsupportedError);
    await packing;
    await unpackBundle(bundle, target);
  });

  it("refuse zstd that this Node cannot read by its name, not as garbage", async () => {
    if (hasZstd()) return;
    await writeFile(bundle, Buffer.from("28b52ffd00000000", "hex"));
    await expect(unpackBundle(bundle, target)).rejects.toThrow(/has no zstd/);
  });

  it("give a GGUF directory its lock file", async () => {
    const gguf = join(folder, "gguf");
    await mkdir(gguf);
    await copyFile(modelPath("Q4_0"), join(gguf, "model.gguf"));
    const lock = await packBundle(gguf, bundle, { compression: "none" });
    expect(lock.target.executor).toBe("embedded");
    await unpackBundle(bundle, target);
    expect(await readdir(target)).toEqual(["engine.lock.json", "model.gguf"]);
  });

  it("refuse a directory that is no engine, or not what its lock file says", async () => {
    const refused = (message: RegExp) => expect(packBundle(engine, bundle)).rejects.toThrow(message);
    await writeFile(join(engine, "config.json"), "[]");
    await refused(/config\.json is not what/);
    await writeFile(join(engine, "config.json"), "{}");
    await writeFile(join(engine, "surplus"), "");
    await refused(/surplus is not in its engine\.lock\.json/);
    await rm(join(engine, "surplus"));
    await rm(join(engine, "config.json"));
    await refused(/it lacks config\.json/);
    await rm(join(engine, "engine.lock.json"));
    await refused(/no GGUF/);
    expect(await readdir(folder)).toEqual(["engine"]);
  });

  it("do not follow a link out of the engine", async () => {
    await rm(join(engine, "config.json"));
    await symlink("/etc/hostname", join(engine, "config.json"));
    await expect(packBundle(engine, bundle)).rejects.toThrow(/lacks config\.json/);
  });

  it("leave nothing behind when they are aborted", async () => {
    const controller = new AbortController();
    await expect(packBundle(engine, bundle, { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
    await packBundle(engine, bundle);
    const unpacking = unpackBundle(bundle, target, {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(unpacking).rejects.toThrow(AbortedError);
    expect((await readdir(folder)).sort()).toEqual(["engine", "engine.tar.gz"]);
  });

  it("do not write into a directory that is taken", async () => {
    await packBundle(engine, bundle);
    await expect(unpackBundle(bundle, engine)).rejects.toThrow(ConfigError);
    await mkdir(target);
    await unpackBundle(bundle, target);
  });

  it("never leave a target that is not whole when they are killed", async () => {
    await packBundle(engine, bundle);
    const program = `
      import { unpackBundle } from "@trtllm-node/engine-builder";
      await unpackBundle(process.argv[1], process.argv[2], { onProgress: () => process.kill(process.pid, "SIGKILL") });`;
    const node = [
      "--import",
      "tsx",
      "--conditions=@trtllm-node/source",
      "--input-type=module",
      "-e",
      program,
    ];
    const cwd = fileURLToPath(new URL("../..", import.meta.url));
    const { signal } = await execa(process.execPath, [...node, bundle, target], { cwd, reject: false });
    expect(signal).toBe("SIGKILL");
    expect(await readdir(folder)).not.toContain("unpacked");
    await unpackBundle(bundle, target);
  });
});

/** Bundles that somebody made to do harm, or that broke on their way. */
const lock = (of: Record<string, string> = { a: "aa" }, change: object = {}) => ({
  path: "engine.lock.json",
  content: lockOf(of, change),
});
const sound = [lock(), { path: "a", content: "aa" }];
const named = (name: string) => tarBytes([lock({ [name]: "x" }), { path: name, content: "x" }]);
const hostile: [string, Buffer, RegExp][] = [
  ["climbs out", named("../evil"), /"\.\.\/evil" is refused/],
  ["climbs out in the middle", named("a/../../evil"), /has the part "\.\."/],
  ["is absolute", named("/tmp/evil"), /is absolute/],
  ["climbs out in Windows' way", named("..\\evil"), /character that some systems/],
  ["names a drive", named("C:evil"), /character that some systems/],
  ["names a device", named("nul.engine"), /takes? it for a device/],
  ["has a line break in a name", named("a\nb"), /character that some systems/],
  ["ends a name in a dot", named("config.json."), /ends in a dot/],
  ["replaces its own lock file", tarBytes([lock({ "ENGINE.lock.json": "x" })]), /differ only in case/],
  ["has names that differ only in case", tarBytes([lock({ a: "x", A: "y" })]), /differ only in case/],
  [
    "has a file that is a directory too",
    tarBytes([lock({ a: "x", "a/b": "y" })]),
    /is a file and the directory of/,
  ],
  [
    "has a file of another path than it says",
    tarBytes([lock(), { path: "../a", content: "aa" }]),
    /not in its engine\.lock/,
  ],
  [
    "has a symbolic link",
    tarBytes([lock(), { path: "a", type: "SymbolicLink", linkpath: "/etc" }]),
    /SymbolicLink and not a file/,
  ],
  [
    "has a hard link",
    tarBytes([lock(), { path: "a", type: "Link", linkpath: "/etc/passwd" }]),
    /Link and not a file/,
  ],
  ["has a device", tarBytes([lock(), { path: "a", type: "CharacterDevice" }]), /CharacterDevice/],
  ["has a pipe", tarBytes([lock(), { path: "a", type: "FIFO" }]), /FIFO/],
  ["has a directory", tarBytes([lock(), { path: "a/", type: "Directory" }]), /Directory and not a file/],
  ["has a file twice", tarBytes([...sound, { path: "a", content: "aa" }]), /holds a twice/],
  ["has the lock file twice", tarBytes([...sound, lock()]), /"engine\.lock\.json" is not in/],
  ["has a file more", tarBytes([...sound, { path: "b", content: "" }]), /"b" is not in/],
  ["has a file less", tarBytes([lock()]), /it lacks a/],
  ["has other content", tarBytes([lock(), { path: "a", content: "ab" }]), /a is not what/],
  ["has a file that is too long", tarBytes([lock(), { path: "a", content: "aaa" }]), /a has 3 bytes, not 2/],
  ["has a file that is too short", tarBytes([lock(), { path: "a", content: "a" }]), /a has 1 bytes, not 2/],
  ["does not begin with the lock file", tarBytes([...sound].reverse()), /it begins with "a"/],
  ["has a lock file that is no JSON", tarBytes([{ path: "engine.lock.json", content: "{" }]), /is no JSON/],
  ["has a lock file of the future", tarBytes([lock({}, { formatVersion: 2 })]), /formatVersion/],
  [
    "has a lock file without end",
    tarBytes([{ path: "engine.lock.json", size: 2 ** 34 }]),
    /17179869184 bytes/,
  ],
  [
    "claims more than any disk has",
    tarBytes([lock({}, { files: { a: { bytes: 2 ** 52, sha256: "0".repeat(64) } } })]),
    /takes 4503599627370496 bytes/,
  ],
  ["is cut off", tarBytes(sound).subarray(0, 700), /damaged/],
  [
    "is cut off in a file",
    tarBytes([lock({ a: "x".repeat(2000) }), { path: "a", content: "x".repeat(2000) }]).subarray(0, 1900),
    /damaged|lacks/,
  ],
  ["has a header that was changed", corrupted(), /damaged/],
  ["is cut off in gzip", gzipSync(tarBytes(sound)).subarray(0, -20), /damaged/],
  [
    "is a gzip bomb",
    gzipSync(Buffer.concat([tarBytes(sound, Buffer.alloc(0)), Buffer.alloc(64 << 20)])),
    /grows beyond what its files take/,
  ],
  ["is a bomb in a bomb", gzipSync(gzipSync(Buffer.alloc(64 << 20))), /compressed twice/],
  ["is empty", Buffer.alloc(0), /damaged|has no engine\.lock/],
  ["is something else", Buffer.from("PK\x03\x04".repeat(400)), /damaged/],
  ["is nothing but zeros", Buffer.alloc(4096), /damaged|has no engine\.lock/],
];

function corrupted(): Buffer {
  const bytes = tarBytes(sound);
  bytes[1024 + 3] = 1;
  return bytes;
}

describe("a bundle is refused, and nothing of it stays, that", () => {
  it.each(hostile)("%s", async (_, bytes, message) => {
    await writeFile(bundle, bytes);
    for (const read of [() => unpackBundle(bundle, target), () => verifyEngine(bundle)]) {
      const failure = await read().catch((error) => error);
      // Without a disk to fill, verifying finds that the file is not there.
      if (read.toString().includes("verify") && message.source.startsWith("takes")) continue;
      expect(failure.message).toMatch(message);
    }
    expect((await readdir(folder)).sort()).toEqual(["engine", "engine.tar.gz"]);
  });

  it("was damaged where it matters", async () => {
    await packBundle(engine, bundle, { compression: "none" });
    const bytes = await readFile(bundle);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(bytes);
        damaged[at]! ^= change;
        await writeFile(bundle, damaged);
        const result = await verifyEngine(bundle).catch((error) => error);
        if (result instanceof BundleError) return;
        // It was where nothing has a meaning: what was promised came.
        expect(result.files).toEqual(JSON.parse(lockOf(files)).files);
      }),
      { numRuns: 200 },
    );
  });
});
