import type {
  FinalRecord,
  RecordReader,
  SequenceEndRecord,
  TopLogProbsRecord,
} from "../src/native/records.ts";

/** The records of trtllm_shim.h as objects. */
export type NativeRecord =
  | { readonly kind: "load-progress"; readonly fraction: number }
  | { readonly kind: "ready"; readonly json: string }
  | { readonly kind: "load-failed"; readonly status: number; readonly message: string }
  | {
      readonly kind: "tokens";
      readonly requestId: number;
      readonly sequenceIndex: number;
      readonly tokens: Int32Array;
      readonly timeNs: number;
      readonly logProbs: Float32Array | undefined;
    }
  | ({ readonly kind: "top-log-probs" } & TopLogProbsRecord)
  | { readonly kind: "prompt-log-probs"; readonly requestId: number; readonly logProbs: Float32Array }
  | ({ readonly kind: "sequence-end" } & SequenceEndRecord)
  | ({ readonly kind: "final" } & FinalRecord)
  | { readonly kind: "error"; readonly requestId: number; readonly status: number; readonly message: string }
  | { readonly kind: "lora"; readonly taskId: number; readonly status: number; readonly message: string }
  | { readonly kind: "stopped" };

/** Copies of the records in the first `bytes` of a reader's buffer. */
export function collectRecords(reader: RecordReader, bytes: number): NativeRecord[] {
  const records: NativeRecord[] = [];
  reader.read(bytes, {
    loadProgress: (fraction) => records.push({ kind: "load-progress", fraction }),
    ready: (json) => records.push({ kind: "ready", json }),
    loadFailed: (status, message) => records.push({ kind: "load-failed", status, message }),
    tokens: ({ requestId, sequenceIndex, ints, start, count, timeNs, floats, logProbsStart }) => {
      const tokens = ints.slice(start, start + count);
      const logProbs = logProbsStart < 0 ? undefined : floats.slice(logProbsStart, logProbsStart + count);
      records.push({ kind: "tokens", requestId, sequenceIndex, tokens, timeNs, logProbs });
    },
    topLogProbs: (record) => records.push({ kind: "top-log-probs", ...record }),
    promptLogProbs: (requestId, logProbs) => records.push({ kind: "prompt-log-probs", requestId, logProbs }),
    sequenceEnd: (record) => records.push({ kind: "sequence-end", ...record }),
    final: (record) => records.push({ kind: "final", ...record }),
    error: (requestId, status, message) => records.push({ kind: "error", requestId, status, message }),
    lora: (taskId, status, message) => records.push({ kind: "lora", taskId, status, message }),
    stopped: () => records.push({ kind: "stopped" }),
  });
  return records;
}
