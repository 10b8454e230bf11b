import { ExecutorError } from "../errors.ts";
import type { FinishReason, TopLogProbs } from "../executor-like.ts";
import { recordKind } from "./declarations.ts";

/** Receives the records of `trtllm_executor_drain`, in their order. Times are nanoseconds of the monotonic clock. */
export interface RecordVisitor {
  loadProgress(fraction: number): void;
  ready(json: string): void;
  loadFailed(status: number, message: string): void;
  /** The same object each time, valid during the call. */
  tokens(record: TokensRecord): void;
  topLogProbs(record: TopLogProbsRecord): void;
  promptLogProbs(requestId: number, logProbs: Float32Array): void;
  sequenceEnd(record: SequenceEndRecord): void;
  final(record: FinalRecord): void;
  error(requestId: number, status: number, message: string): void;
  /** A LoRA adapter has been read, or not. */
  lora(taskId: number, status: number, message: string): void;
  stopped(): void;
}

/** New tokens of one sequence, where they lie in the drained bytes. */
export interface TokensRecord {
  readonly requestId: number;
  readonly sequenceIndex: number;
  /** Tokens are `ints[start]` to `ints[start + count - 1]`. */
  readonly ints: Int32Array;
  readonly start: number;
  readonly count: number;
  /** When the newest of them came. */
  readonly timeNs: number;
  /** Their log-probabilities begin at `floats[logProbsStart]`; -1 where there are none. */
  readonly floats: Float32Array;
  readonly logProbsStart: number;
}

/** Alternatives of a sequence's next tokens, or of the prompt. */
export interface TopLogProbsRecord extends TopLogProbs {
  readonly requestId: number;
  readonly sequenceIndex: number;
  readonly ofPrompt: boolean;
}

/** One of several sequences has ended. */
export interface SequenceEndRecord {
  readonly requestId: number;
  readonly sequenceIndex: number;
  readonly finishReason: FinishReason;
  /** Natural logarithm; NaN where it is not known. */
  readonly cumLogProb: number;
}

export interface FinalRecord {
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
  readonly draftTokens: number;
  readonly acceptedDraftTokens: number;
}

const headerBytes = 32;
const finalBytes = 56;
const logProbsFlag = 1;
const promptFlag = 2;
/** TRTLLM_FINISH_* by number. No record says NOT_FINISHED. */
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
 * Reads records out of a buffer that is filled again and again. Makes no object per TOKENS record.
 * The machine's byte order is little-endian on every platform that the library is built for.
 */
export class RecordReader {
  /** Its length is a multiple of 8. */
  readonly buffer: ArrayBuffer;
  readonly #words: Uint32Array;
  readonly #tokens: { -readonly [K in keyof TokensRecord]: TokensRecord[K] };

  constructor(bytes: number) {
    this.buffer = new ArrayBuffer(Math.ceil(bytes / 8) * 8);
    this.#words = new Uint32Array(this.buffer);
    const ints = new Int32Array(this.buffer);
    const floats = new Float32Array(this.buffer);
    const none = { requestId: 0, sequenceIndex: 0, start: 0, count: 0, timeNs: 0, logProbsStart: -1 };
    this.#tokens = { ...none, ints, floats };
  }

  /**
   * Visits the records in the first `bytes` of the buffer.
   * @throws ExecutorError where the bytes are not whole, known records; those before have been visited.
   */
  read(bytes: number, visitor: RecordVisitor): void {
    const words = this.#words;
    for (let offset = 0; offset < bytes; ) {
      const left = bytes - offset;
      const size = left < headerBytes ? 0 : words[offset >>> 2]!;
      if (size < headerBytes || size > left || size % 8 !== 0) throw malformed(offset, "has a wrong size");
      this.#visit(offset, size - headerBytes, visitor);
      offset += size;
    }
  }

  /**
   * Of the first `bytes` of the buffer: how many of them are whole records, and how long the record is that follows
   * (0 where its length is not there yet).
   * @throws ExecutorError where a record is longer than `most`.
   */
  wholeRecords(bytes: number, most: number): { whole: number; next: number } {
    let whole = 0;
    while (bytes - whole >= headerBytes) {
      const size = this.#words[whole >>> 2]!;
      if (size < headerBytes || size > most || size % 8 !== 0) throw malformed(whole, "has a wrong size");
      if (size > bytes - whole) return { whole, next: size };
      whole += size;
    }
    return { whole, next: 0 };
  }

  #visit(offset: number, payloadBytes: number, visitor: RecordVisitor): void {
    const words = this.#words;
    const word = offset >>> 2;
    const first = words[word + 1]!;
    const count = words[word + 7]!;
    const payload = word + headerBytes / 4;
    const need = (bytes: number): void => {
      if (bytes > payloadBytes) throw malformed(offset, "is shorter than its content");
    };
    switch (first & 0xffff) {
      case recordKind.tokens: {
        const hasLogProbs = (first >>> 24) & logProbsFlag;
        need(count * (hasLogProbs ? 8 : 4));
        const record = this.#tokens;
        record.requestId = this.#uint64(word + 2);
        record.sequenceIndex = words[word + 6]!;
        record.start = payload;
        record.count = count;
        record.timeNs = this.#uint64(word + 4);
        record.logProbsStart = hasLogProbs ? payload + count : -1;
        visitor.tokens(record);
        break;
      }
      case recordKind.topLogProbs: {
        need(4);
        const perToken = words[payload]!;
        const length = count * perToken;
        need(4 + 8 * length);
        const { ints, floats } = this.#tokens;
        visitor.topLogProbs({
          requestId: this.#uint64(word + 2),
          sequenceIndex: words[word + 6]!,
          ofPrompt: ((first >>> 24) & promptFlag) !== 0,
          perToken,
          tokens: ints.slice(payload + 1, payload + 1 + length),
          logProbs: floats.slice(payload + 1 + length, payload + 1 + 2 * length),
        });
        break;
      }
      case recordKind.promptLogProbs:
        need(4 * count);
        visitor.promptLogProbs(this.#uint64(word + 2), this.#tokens.floats.slice(payload, payload + count));
        break;
      case recordKind.sequenceEnd:
        need(4);
        visitor.sequenceEnd({
          requestId: this.#uint64(word + 2),
          sequenceIndex: words[word + 6]!,
          finishReason: finishReason(word, first),
          cumLogProb: this.#tokens.floats[payload]!,
        });
        break;
      case recordKind.final:
        need(finalBytes);
        visitor.final(this.#final(word, finishReason(word, first)));
        break;
      case recordKind.error:
        need(4 + count);
        visitor.error(this.#uint64(word + 2), words[payload]! | 0, this.#text(payload + 1, count));
        break;
      case recordKind.loadFailed:
        need(4 + count);
        visitor.loadFailed(words[payload]! | 0, this.#text(payload + 1, count));
        break;
      case recordKind.loadProgress:
        need(4);
        visitor.loadProgress(this.#tokens.floats[payload]!);
        break;
      case recordKind.ready:
        need(count);
        visitor.ready(this.#text(payload, count));
        break;
      case recordKind.lora:
        need(4 + count);
        visitor.lora(this.#uint64(word + 2), words[payload]! | 0, this.#text(payload + 1, count));
        break;
      case recordKind.stopped:
        visitor.stopped();
        break;
      default:
        throw malformed(offset, `is of unknown kind ${first & 0xffff}`);
    }
  }

  #final(word: number, finishReason: FinishReason): FinalRecord {
    const payload = word + headerBytes / 4;
    return {
      requestId: this.#uint64(word + 2),
      finishReason,
      timeNs: this.#uint64(word + 4),
      arrivalNs: this.#uint64(payload),
      firstScheduledNs: this.#uint64(payload + 2),
      firstTokenNs: this.#uint64(payload + 4),
      lastTokenNs: this.#uint64(payload + 6),
      blocksAllocated: this.#words[payload + 8]!,
      blocksNew: this.#words[payload + 9]!,
      blocksReused: this.#words[payload + 10]!,
      draftTokens: this.#words[payload + 12]!,
      acceptedDraftTokens: this.#words[payload + 13]!,
    };
  }

  #text(word: number, bytes: number): string {
    return utf8.decode(new Uint8Array(this.buffer, word * 4, bytes));
  }

  /** As a number: ids are counted from 1, and nanoseconds stay exact for 104 days of uptime. */
  #uint64(word: number): number {
    return this.#words[word]! + this.#words[word + 1]! * 2 ** 32;
  }
}

/** @param first the second word of the record at `word` */
function finishReason(word: number, first: number): FinishReason {
  const reason = finishReasons[(first >>> 16) & 0xff];
  if (reason === undefined) throw malformed(word * 4, "has an unknown finish reason");
  return reason;
}

function malformed(offset: number, what: string): ExecutorError {
  return new ExecutorError(
    "ERR_EXECUTOR",
    `The native library wrote a malformed record: the one at byte ${offset} ${what}. Library and package do not belong together; install matching versions.`,
  );
}
