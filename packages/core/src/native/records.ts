import { ExecutorError } from "../errors.ts";
import type { FinishReason } from "../executor-like.ts";
import { recordKind } from "./declarations.ts";

/** One record of `trtllm_executor_drain`. Times are nanoseconds of the monotonic clock. */
export type NativeRecord =
  | { readonly kind: "load-progress"; readonly fraction: number }
  | { readonly kind: "ready"; readonly json: string }
  | { readonly kind: "load-failed"; readonly status: number; readonly message: string }
  | TokensRecord
  | FinalRecord
  | { readonly kind: "error"; readonly requestId: number; readonly status: number; readonly message: string }
  | { readonly kind: "stopped" };

export interface TokensRecord {
  readonly kind: "tokens";
  readonly requestId: number;
  readonly tokens: Int32Array;
  readonly logProbs: Float32Array | undefined;
}

export interface FinalRecord {
  readonly kind: "final";
  readonly requestId: number;
  readonly finishReason: FinishReason;
  readonly timeNs: number;
  readonly arrivalNs: number;
  /** 0, as the two after it, where that point was never reached. */
  readonly firstScheduledNs: number;
  readonly firstTokenNs: number;
  readonly lastTokenNs: number;
  readonly blocksAllocated: number;
  readonly blocksNew: number;
  readonly blocksReused: number;
}

const headerBytes = 32;
const finalBytes = 48;
const logProbsFlag = 1;
/** TRTLLM_FINISH_* by number. A FINAL record never says NOT_FINISHED. */
const finishReasons: readonly (FinishReason | undefined)[] = [
  undefined,
  "end",
  "stop",
  "length",
  "timed-out",
  "cancelled",
];
const utf8 = new TextDecoder();

/**
 * Decodes the first `bytes` of `buffer`. What is returned shares no memory with it.
 * The machine's byte order is little-endian on every platform that the library is built for.
 * @throws ExecutorError where the bytes are not whole, known records.
 */
export function decodeRecords(buffer: ArrayBuffer, bytes: number): NativeRecord[] {
  const view = new DataView(buffer, 0, bytes);
  const ints = new Int32Array(buffer, 0, bytes >>> 2);
  const records: NativeRecord[] = [];
  for (let offset = 0; offset < bytes; ) {
    const left = bytes - offset;
    const size = left < headerBytes ? 0 : view.getUint32(offset, true);
    if (size < headerBytes || size > left || size % 8 !== 0) throw malformed(offset, "has a wrong size");
    records.push(decodeRecord(view, ints, offset, size - headerBytes));
    offset += size;
  }
  return records;
}

function decodeRecord(view: DataView, ints: Int32Array, offset: number, payloadBytes: number): NativeRecord {
  const kind = view.getUint16(offset + 4, true);
  const count = view.getUint32(offset + 28, true);
  const payload = offset + headerBytes;
  const need = (bytes: number): void => {
    if (bytes > payloadBytes) throw malformed(offset, "is shorter than its content");
  };
  const text = (start: number): string => utf8.decode(new Uint8Array(view.buffer, start, count));

  switch (kind) {
    case recordKind.tokens: {
      const hasLogProbs = (view.getUint8(offset + 7) & logProbsFlag) !== 0;
      need(count * (hasLogProbs ? 8 : 4));
      const first = payload >>> 2;
      const tokens = ints.slice(first, first + count);
      const logProbs = hasLogProbs
        ? new Float32Array(view.buffer as ArrayBuffer, payload + count * 4, count).slice()
        : undefined;
      return { kind: "tokens", requestId: uint64(view, offset + 8), tokens, logProbs };
    }
    case recordKind.final:
      need(finalBytes);
      return decodeFinal(view, offset, payload);
    case recordKind.error:
    case recordKind.loadFailed: {
      need(4 + count);
      const failure = { status: view.getInt32(payload, true), message: text(payload + 4) };
      return kind === recordKind.loadFailed
        ? { kind: "load-failed", ...failure }
        : { kind: "error", requestId: uint64(view, offset + 8), ...failure };
    }
    case recordKind.loadProgress:
      need(4);
      return { kind: "load-progress", fraction: view.getFloat32(payload, true) };
    case recordKind.ready:
      need(count);
      return { kind: "ready", json: text(payload) };
    case recordKind.stopped:
      return { kind: "stopped" };
    default:
      throw malformed(offset, `is of unknown kind ${kind}`);
  }
}

function decodeFinal(view: DataView, offset: number, payload: number): FinalRecord {
  const finishReason = finishReasons[view.getUint8(offset + 6)];
  if (finishReason === undefined) throw malformed(offset, "has an unknown finish reason");
  return {
    kind: "final",
    requestId: uint64(view, offset + 8),
    finishReason,
    timeNs: uint64(view, offset + 16),
    arrivalNs: uint64(view, payload),
    firstScheduledNs: uint64(view, payload + 8),
    firstTokenNs: uint64(view, payload + 16),
    lastTokenNs: uint64(view, payload + 24),
    blocksAllocated: view.getUint32(payload + 32, true),
    blocksNew: view.getUint32(payload + 36, true),
    blocksReused: view.getUint32(payload + 40, true),
  };
}

/** As a number: ids are counted from 1, and nanoseconds stay exact for 104 days of uptime. */
function uint64(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 2 ** 32;
}

function malformed(offset: number, what: string): ExecutorError {
  return new ExecutorError(
    "ERR_EXECUTOR",
    `The native library wrote a malformed record: the one at byte ${offset} ${what}. Library and package do not belong together; install matching versions.`,
  );
}
