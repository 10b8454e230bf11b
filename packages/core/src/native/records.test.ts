import fc from "fast-check";
import { expect, test } from "vitest";
import { collectRecords, type NativeRecord } from "../../test/collect-records.ts";
import { ExecutorError } from "../errors.ts";
import { RecordReader } from "./records.ts";

const reasons = ["end", "stop", "length", "timed-out", "cancelled"] as const;
const kinds = {
  "load-progress": 1,
  ready: 2,
  "load-failed": 3,
  tokens: 4,
  final: 5,
  error: 6,
  stopped: 7,
  "top-log-probs": 8,
  "prompt-log-probs": 9,
  "sequence-end": 10,
  lora: 11,
};

/** The format of trtllm_shim.h, written down a second time. */
function encode(record: NativeRecord): Buffer {
  const { count, payload } = content(record);
  const bytes = Buffer.alloc(Math.ceil((32 + payload.length) / 8) * 8);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(kinds[record.kind], 4);
  if ("finishReason" in record) bytes[6] = reasons.indexOf(record.finishReason) + 1;
  if ("timeNs" in record) bytes.writeBigUInt64LE(BigInt(record.timeNs), 16);
  if (record.kind === "tokens" && record.logProbs) bytes[7] = 1;
  if (record.kind === "top-log-probs" && record.ofPrompt) bytes[7] = 2;
  if ("sequenceIndex" in record) bytes.writeUInt32LE(record.sequenceIndex, 24);
  if ("taskId" in record) bytes.writeBigUInt64LE(BigInt(record.taskId), 8);
  if ("requestId" in record) bytes.writeBigUInt64LE(BigInt(record.requestId), 8);
  bytes.writeUInt32LE(count, 28);
  payload.copy(bytes, 32);
  return bytes;
}

function content(record: NativeRecord): { count: number; payload: Buffer } {
  switch (record.kind) {
    case "load-progress":
      return { count: 0, payload: Buffer.from(Float32Array.of(record.fraction).buffer) };
    case "ready":
      return text(record.json);
    case "load-failed":
    case "lora":
    case "error": {
      const { count, payload } = text(record.message);
      return { count, payload: Buffer.concat([Buffer.from(Int32Array.of(record.status).buffer), payload]) };
    }
    case "tokens": {
      const parts = [record.tokens, record.logProbs].flatMap((part) =>
        part ? [Buffer.from(part.buffer)] : [],
      );
      return { count: record.tokens.length, payload: Buffer.concat(parts) };
    }
    case "top-log-probs": {
      const { perToken, tokens, logProbs } = record;
      const parts = [Uint32Array.of(perToken), tokens, logProbs].map((part) => Buffer.from(part.buffer));
      return { count: tokens.length / perToken, payload: Buffer.concat(parts) };
    }
    case "prompt-log-probs":
      return { count: record.logProbs.length, payload: Buffer.from(record.logProbs.buffer) };
    case "sequence-end":
      return { count: 0, payload: Buffer.from(Float32Array.of(record.cumLogProb).buffer) };
    case "final": {
      const times = [record.arrivalNs, record.firstScheduledNs, record.firstTokenNs, record.lastTokenNs];
      const blocks = [record.blocksAllocated, record.blocksNew, record.blocksReused, 0];
      const drafts = [record.draftTokens, record.acceptedDraftTokens];
      const payload = Buffer.concat([
        Buffer.from(BigUint64Array.from(times.map(BigInt)).buffer),
        Buffer.from(Uint32Array.from([...blocks, ...drafts]).buffer),
      ]);
      return { count: 0, payload };
    }
    case "stopped":
      return { count: 0, payload: Buffer.alloc(0) };
  }
}

function text(value: string): { count: number; payload: Buffer } {
  const payload = Buffer.from(value);
  return { count: payload.length, payload };
}

function decode(bytes: Buffer): NativeRecord[] {
  const reader = new RecordReader(bytes.length);
  new Uint8Array(reader.buffer).set(bytes);
  return collectRecords(reader, bytes.length);
}

const uint64 = fc.maxSafeNat();
const uint32 = fc.nat(2 ** 32 - 1);
const message = fc.string({ unit: "grapheme" });
const float = fc.float({ noNaN: true });
const tokenArrays = fc
  .array(fc.tuple(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), float), { maxLength: 50 })
  .chain((pairs) =>
    fc.record({
      tokens: fc.constant(Int32Array.from(pairs, ([id]) => id)),
      logProbs: fc.constantFrom(
        undefined,
        Float32Array.from(pairs, ([, logProb]) => logProb),
      ),
    }),
  );
const anyRecord: fc.Arbitrary<NativeRecord> = fc.oneof(
  fc.record({ kind: fc.constant("load-progress" as const), fraction: float }),
  fc.record({ kind: fc.constant("ready" as const), json: message }),
  fc.record({ kind: fc.constant("load-failed" as const), status: fc.nat(15), message }),
  fc.tuple(uint64, uint32, uint64, tokenArrays).map(([requestId, sequenceIndex, timeNs, arrays]) => ({
    kind: "tokens" as const,
    requestId,
    sequenceIndex,
    timeNs,
    ...arrays,
  })),
  fc.record({ kind: fc.constant("lora" as const), taskId: uint64, status: fc.nat(15), message }),
  fc.record({
    kind: fc.constant("sequence-end" as const),
    requestId: uint64,
    sequenceIndex: uint32,
    finishReason: fc.constantFrom(...reasons),
    cumLogProb: float,
  }),
  fc.record({
    kind: fc.constant("final" as const),
    requestId: uint64,
    finishReason: fc.constantFrom(...reasons),
    timeNs: uint64,
    arrivalNs: uint64,
    firstScheduledNs: uint64,
    firstTokenNs: uint64,
    lastTokenNs: uint64,
    blocksAllocated: uint32,
    blocksNew: uint32,
    blocksReused: uint32,
    draftTokens: uint32,
    acceptedDraftTokens: uint32,
  }),
  fc
    .record({
      requestId: uint64,
      sequenceIndex: uint32,
      ofPrompt: fc.boolean(),
      perToken: fc.integer({ min: 1, max: 20 }),
      count: fc.nat(9),
    })
    .map(({ count, perToken, ...rest }) => ({
      kind: "top-log-probs" as const,
      ...rest,
      perToken,
      tokens: Int32Array.from({ length: count * perToken }, (_, index) => index - 1),
      logProbs: Float32Array.from({ length: count * perToken }, (_, index) => -index),
    })),
  fc.record({
    kind: fc.constant("prompt-log-probs" as const),
    requestId: uint64,
    logProbs: fc.array(float, { maxLength: 20 }).map((values) => Float32Array.from(values)),
  }),
  fc.record({ kind: fc.constant("error" as const), requestId: uint64, status: fc.nat(15), message }),
  fc.constant({ kind: "stopped" as const }),
);

test("Records come out as they were written, any number of them in a row.", () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 20 }), (records) => {
      expect(decode(Buffer.concat(records.map(encode)))).toEqual(records);
    }),
  );
});

test("One reader reads its buffer again and again.", () => {
  const reader = new RecordReader(64);
  for (const id of [7, 8]) {
    const bytes = encode({
      kind: "tokens",
      requestId: 1,
      sequenceIndex: 0,
      timeNs: 2,
      tokens: Int32Array.of(id),
      logProbs: undefined,
    });
    new Uint8Array(reader.buffer).set(bytes);
    expect(collectRecords(reader, bytes.length)).toMatchObject([{ tokens: Int32Array.of(id) }]);
  }
});

test("Bytes that are no whole records are refused, and never read beyond their end.", () => {
  fc.assert(
    fc.property(anyRecord, fc.nat(), (record, cut) => {
      const bytes = encode(record);
      expect(() => decode(bytes.subarray(0, 1 + (cut % (bytes.length - 1))))).toThrow(ExecutorError);
    }),
  );
});

test("Any bytes either decode or are refused as malformed.", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 256 }), (noise) => {
      const bytes = Buffer.from(noise);
      if (bytes.length >= 32) bytes.writeUInt32LE(Math.floor(bytes.length / 8) * 8, 0);
      try {
        decode(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(ExecutorError);
      }
    }),
  );
});

test.each([
  ["of unknown kind", 4, 99],
  ["whose size is no multiple of 8", 0, 81],
  ["of size 0", 0, 0],
  ["with an unknown finish reason", 6, 9],
])("A record %s is refused.", (_, offset, value) => {
  const bytes = encode({
    kind: "final",
    requestId: 1,
    finishReason: "end",
    timeNs: 1,
    arrivalNs: 1,
    firstScheduledNs: 1,
    firstTokenNs: 1,
    lastTokenNs: 1,
    blocksAllocated: 0,
    blocksNew: 0,
    blocksReused: 0,
    draftTokens: 0,
    acceptedDraftTokens: 0,
  });
  bytes[offset] = value;
  expect(() => decode(bytes)).toThrow("malformed record");
});

test("A count that the record has no room for is refused.", () => {
  const bytes = encode({ kind: "ready", json: "{}" });
  bytes.writeUInt32LE(4_000_000_000, 28);
  expect(() => decode(bytes)).toThrow("shorter than its content");
});
