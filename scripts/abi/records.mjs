import { RecordReader } from "../../packages/core/src/native/records.ts";
import { collectRecords } from "../../packages/core/test/collect-records.ts";
import { constants, structs } from "./header.mjs";

/** @typedef {import("./drift.mjs").Drift} Drift */

const record = structs.trtllm_record;
const final = structs.trtllm_final;

/**
 * Writes FINAL records as C would, another value in every field: each must arrive under its own name.
 * @param {Drift} drift
 */
export function compareFinalRecords(drift) {
  const finishReasons = {
    end: constants.TRTLLM_FINISH_END_ID,
    stop: constants.TRTLLM_FINISH_STOP_WORDS,
    length: constants.TRTLLM_FINISH_LENGTH,
    "timed-out": constants.TRTLLM_FINISH_TIMED_OUT,
    cancelled: constants.TRTLLM_FINISH_CANCELLED,
  };
  const names = [...record.fields, ...final.fields].map(({ name }) => name);
  const values = Object.fromEntries(names.map((name, index) => [name, index + 1]));
  for (const [finishReason, finish_reason] of Object.entries(finishReasons)) {
    const size = record.size + final.size;
    const header = { ...values, size, kind: constants.TRTLLM_RECORD_FINAL, finish_reason };
    const decoded = decode(size, (view) => {
      writeStruct(view, 0, record, header);
      writeStruct(view, record.size, final, values);
    });
    for (const [field, value] of Object.entries(decoded)) {
      const name = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const expected = { kind: "final", finishReason }[field] ?? values[name] ?? values[`kv_${name}`];
      drift.compare(`${field} of a FINAL record`, expected, value);
    }
  }
}

/**
 * Writes a TOKENS record with log-probs and one without.
 * @param {Drift} drift
 */
export function compareTokensRecords(drift) {
  for (const flags of [constants.TRTLLM_RECORD_FLAG_LOG_PROBS, 0]) {
    const size = record.size + 16;
    const { kind, requestId, sequenceIndex, timeNs, tokens, logProbs } = decode(size, (view) => {
      const header = {
        size,
        kind: constants.TRTLLM_RECORD_TOKENS,
        flags,
        request_id: 7,
        sequence_index: 5,
        time_ns: 9,
        count: 2,
      };
      writeStruct(view, 0, record, header);
      new Int32Array(view.buffer, record.size, 2).set([11, 12]);
      new Float32Array(view.buffer, record.size + 8, 2).set([-0.5, -1.5]);
    });
    const expected = ["tokens", 7, 5, 9, [11, 12], flags === 0 ? undefined : [-0.5, -1.5]];
    const actual = [kind, requestId, sequenceIndex, timeNs, [...tokens], logProbs && [...logProbs]];
    drift.compare(`TOKENS record, flags ${flags}`, expected, actual);
  }
}

/**
 * Writes alternatives of an answer's tokens and of a prompt's.
 * @param {Drift} drift
 */
export function compareTopLogProbsRecords(drift) {
  for (const flags of [constants.TRTLLM_RECORD_FLAG_PROMPT, 0]) {
    const size = record.size + 40;
    const decoded = decode(size, (view) => {
      const header = {
        size,
        kind: constants.TRTLLM_RECORD_TOP_LOG_PROBS,
        flags,
        request_id: 7,
        sequence_index: 5,
        count: 2,
      };
      writeStruct(view, 0, record, header);
      new Int32Array(view.buffer, record.size, 5).set([2, 11, 12, 13, 14]);
      new Float32Array(view.buffer, record.size + 20, 4).set([-0.5, -1, -1.5, -2]);
    });
    const { kind, requestId, sequenceIndex, ofPrompt, perToken, tokens, logProbs } = decoded;
    const expected = ["top-log-probs", 7, 5, flags !== 0, 2, [11, 12, 13, 14], [-0.5, -1, -1.5, -2]];
    const actual = [kind, requestId, sequenceIndex, ofPrompt, perToken, [...tokens], [...logProbs]];
    drift.compare(`TOP_LOG_PROBS record, flags ${flags}`, expected, actual);
  }
}

/**
 * Writes the end of one of several sequences.
 * @param {Drift} drift
 */
export function compareSequenceEndRecords(drift) {
  const size = record.size + 8;
  const decoded = decode(size, (view) => {
    const header = {
      size,
      kind: constants.TRTLLM_RECORD_SEQUENCE_END,
      finish_reason: constants.TRTLLM_FINISH_STOP_WORDS,
      request_id: 7,
      sequence_index: 3,
    };
    writeStruct(view, 0, record, header);
    new Float32Array(view.buffer, record.size, 1).set([-1.5]);
  });
  const expected = {
    kind: "sequence-end",
    requestId: 7,
    sequenceIndex: 3,
    finishReason: "stop",
    cumLogProb: -1.5,
  };
  drift.compare("SEQUENCE_END record", expected, decoded);
}

/**
 * @param {number} size
 * @param {(view: DataView<ArrayBuffer>) => void} write
 */
function decode(size, write) {
  const reader = new RecordReader(size);
  write(new DataView(reader.buffer));
  return /** @type {any} */ (collectRecords(reader, size)[0]);
}

/**
 * @param {DataView} view
 * @param {number} start
 * @param {import("./header.mjs").Struct} struct
 * @param {Readonly<Record<string, number>>} values by field; 0 where left out
 */
function writeStruct(view, start, { fields }, values) {
  for (const { name, size, offset } of fields) {
    const value = BigInt(values[name] ?? 0);
    for (let byte = 0; byte < size; byte++) {
      view.setUint8(start + offset + byte, Number((value >> BigInt(8 * byte)) & 0xffn));
    }
  }
}
