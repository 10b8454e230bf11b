import { RecordReader } from "../native/records.ts";
import { mostBytes } from "./protocol.ts";

const firstBytes = 256 * 1024;

/** Puts records together again that a socket delivers in pieces. */
export class RecordStream {
  #reader = new RecordReader(firstBytes);
  #bytes = new Uint8Array(this.#reader.buffer);
  #filled = 0;

  /**
   * Calls `visit` with a buffer and the length of the whole records in it, as often as there are any.
   * @throws ExecutorError where the bytes are no records, or one is too long.
   */
  push(chunk: Uint8Array, visit: (reader: RecordReader, bytes: number) => void): void {
    for (let from = 0; from < chunk.length; ) {
      const count = Math.min(chunk.length - from, this.#bytes.length - this.#filled);
      this.#bytes.set(chunk.subarray(from, from + count), this.#filled);
      from += count;
      this.#filled += count;
      const { whole, next } = this.#reader.wholeRecords(this.#filled, mostBytes);
      if (whole > 0) {
        visit(this.#reader, whole);
        this.#bytes.copyWithin(0, whole, this.#filled);
        this.#filled -= whole;
      }
      if (next > this.#bytes.length) this.#grow(next);
    }
  }

  #grow(bytes: number): void {
    const reader = new RecordReader(bytes);
    const grown = new Uint8Array(reader.buffer);
    grown.set(this.#bytes.subarray(0, this.#filled));
    this.#reader = reader;
    this.#bytes = grown;
  }
}
