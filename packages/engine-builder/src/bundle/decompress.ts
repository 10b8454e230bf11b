import { open } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { PassThrough, Transform } from "node:stream";
import zlib from "node:zlib";
import { UnsupportedError } from "@trtllm-node/core";

const gzipMagic = Buffer.from("1f8b", "hex");
const zstdMagic = Buffer.from("28b52ffd", "hex");

/** Newer than the types of the oldest Node that is supported. */
const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Duplex };

/**
 * What decompresses a file, by its first bytes.
 * @throws UnsupportedError where it is compressed with zstd and this Node cannot read it
 */
export async function decompressorOf(path: string): Promise<Duplex> {
  await using file = await open(path);
  const { buffer: start } = await file.read(Buffer.alloc(4), 0, 4, 0);
  if (start.subarray(0, 2).equals(gzipMagic)) return zlib.createGunzip();
  if (!start.equals(zstdMagic)) return new PassThrough();
  if (createZstdDecompress === undefined) throw noZstd();
  return createZstdDecompress();
}

/** Fails as soon as more than `limit()` bytes have come, or where what was compressed is compressed again. */
export function boundedStream(limit: () => number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const again =
        bytes === 0 && [gzipMagic, zstdMagic].some((magic) => chunk.subarray(0, magic.length).equals(magic));
      bytes += chunk.length;
      if (again) done(new Error("it is compressed twice"));
      else if (bytes > limit()) done(new Error("it grows beyond what its files take"));
      else done(null, chunk);
    },
  });
}

export function hasZstd(): boolean {
  return createZstdDecompress !== undefined;
}

export function noZstd(): UnsupportedError {
  return new UnsupportedError(
    `Node ${process.versions.node} has no zstd. Use gzip, or Node 22.15 or newer for bundles with zstd.`,
  );
}
