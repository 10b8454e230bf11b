import fc from "fast-check";
import { expect, test } from "vitest";
import { collectRecords, type NativeRecord } from "../../test/collect-records.ts";
import { ExecutorError } from "../errors.ts";
import { RecordStream } from "./record-stream.ts";

/** A READY record of trtllm_shim.h: the header, then text. */
function ready(text: string): Buffer {
  const bytes = Buffer.alloc(Math.ceil((32 + text.length) / 8) * 8);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(2, 4);
  bytes.writeUInt32LE(text.length, 28);
  bytes.write(text, 32, "latin1");
  return bytes;
}

function read(chunks: readonly Uint8Array[]): NativeRecord[] {
  const stream = new RecordStream();
  const records: NativeRecord[] = [];
  for (const chunk of chunks) {
    stream.push(chunk, (reader, bytes) => records.push(...collectRecords(reader, bytes)));
  }
  return records;
}

test("Records arrive whole and in order, in whatever pieces a socket delivers them.", () => {
  const lengths = fc.array(fc.oneof(fc.nat(60), fc.constantFrom(100_000, 300_000)), { maxLength: 12 });
  fc.assert(
    fc.property(lengths, fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }), (texts, cuts) => {
      const expected = texts.map((length, index) => String.fromCharCode(97 + index).repeat(length));
      const bytes = Buffer.concat(expected.map(ready));
      const chunks: Uint8Array[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = cuts[turn % cuts.length]!;
        chunks.push(bytes.subarray(at, at + size));
        at += size;
      }
      expect(read(chunks)).toEqual(expected.map((json) => ({ kind: "ready", json })));
    }),
    { numRuns: 50 },
  );
});

test.each([
  ["longer than 64 MiB", 65 * 2 ** 20],
  ["shorter than its header", 24],
  ["of a size that is no multiple of 8", 41],
])("A record %s is refused before it is waited for.", (_, size) => {
  const header = Buffer.alloc(32);
  header.writeUInt32LE(size, 0);
  expect(() => read([header])).toThrow(ExecutorError);
});
