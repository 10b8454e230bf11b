import { createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { RequestRecord } from "@trtllm-node/runtime";
import { createStream, type RotatingFileStream } from "rotating-file-stream";
import { prefixHashes } from "./prefix-hash.ts";
import type { TrafficRequest } from "./traffic-request.ts";

export interface RecorderOptions {
  /** A file is renamed to `.1`, `.2` … when it has grown to so many bytes. Default 64 MiB. */
  readonly maxFileBytes?: number | undefined;
  /** Files that are kept beside the current one. Default 8. */
  readonly maxFiles?: number | undefined;
  /** Tokens of a prefix block; 0 records no prefixes. Default 64. */
  readonly prefixBlockTokens?: number | undefined;
  /**
   * Key of the hash that numbers prefix blocks. With the same key two runs give the same numbers. Default: a random
   * one that is kept nowhere.
   */
  readonly hashKey?: Uint8Array | undefined;
  /** A file cannot be written: recording has ended, the requests go on. Default: says nothing. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** Bytes that may wait for the disk. What comes beyond is dropped, and counted. */
const mostWaiting = 8 * 2 ** 20;

/**
 * Writes a line for each request that ends: lengths and times, never text or tokens.
 *
 *     await using recorder = new TrafficRecorder("traffic.jsonl");
 *     llm.observe(recorder.observer);
 */
export class TrafficRecorder implements AsyncDisposable {
  readonly #stream: RotatingFileStream;
  readonly #blockTokens: number;
  readonly #key: KeyObject;
  #recorded = 0;
  #dropped = 0;
  #isOpen = true;

  /** @param path of the newest file; its folder is made. What is there is kept. */
  constructor(path: string, options: RecorderOptions = {}) {
    const { maxFileBytes = 64 * 2 ** 20, maxFiles = 8, prefixBlockTokens = 64, hashKey, onError } = options;
    const folder = dirname(resolve(path));
    mkdirSync(folder, { recursive: true });
    this.#stream = createStream(basename(path), { path: folder, size: `${maxFileBytes}B`, rotate: maxFiles });
    this.#stream.on("error", (error: Error) => {
      this.#isOpen = false;
      onError?.(error);
    });
    this.#blockTokens = prefixBlockTokens;
    this.#key = createSecretKey(hashKey ?? randomBytes(32));
  }

  /** For `llm.observe`. */
  readonly observer = (record: RequestRecord): void => {
    this.write(this.#line(record));
  };

  /** Requests that were written, and that were dropped because the disk was too slow or recording had ended. */
  get counts(): { readonly recorded: number; readonly dropped: number } {
    return { recorded: this.#recorded, dropped: this.#dropped };
  }

  write(request: TrafficRequest): void {
    if (!this.#isOpen || this.#stream.writableLength > mostWaiting) {
      this.#dropped += 1;
      return;
    }
    this.#recorded += 1;
    this.#stream.write(`${JSON.stringify(request)}\n`);
  }

  /** Waits until everything is in the file. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stream.end();
    await once(this.#stream, "finish");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #line(record: RequestRecord): TrafficRequest {
    const { arrivalMs, outcome, prompt, promptTokens, maxTokens, timings } = record;
    const request: TrafficRequest = { arrivalMs, promptTokens, maxTokens, outcome };
    const prefix = this.#blockTokens > 0 && {
      blockTokens: this.#blockTokens,
      prefixBlocks: prefixHashes(prompt, this.#blockTokens, this.#key),
    };
    if (timings === undefined) return { ...request, ...prefix };
    return {
      ...request,
      cachedPromptTokens: record.cachedPromptTokens,
      completionTokens: record.completionTokens,
      queueMs: timings.queueMs,
      timeToFirstTokenMs: timings.timeToFirstTokenMs,
      interTokenMs: timings.interTokenMs,
      totalMs: timings.totalMs,
      ...prefix,
    };
  }
}
