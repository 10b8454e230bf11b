import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { AbortedError } from "@trtllm-node/core";
import { TokenizerError } from "../errors.ts";
import type { EncoderAnswer, EncoderData, EncoderRequest } from "./encoder-worker.ts";
import type { EncodeOptions } from "./tokenizer.ts";

/** A thread holds a copy of its tokenizer, so it ends when nobody has used it for so long. */
const idleMs = 60_000;

interface Job {
  readonly request: EncoderRequest;
  settle(answer: EncoderAnswer): void;
}

/**
 * Encodes on a thread of its own, one text after the other. The thread starts with the first text, and keeps the
 * process alive only while there is one.
 */
export class EncoderThread {
  readonly #data: EncoderData;
  readonly #waiting: Job[] = [];
  #running: Job | undefined;
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(data: EncoderData) {
    this.#data = data;
  }

  /** @throws TokenizerError, AbortedError */
  encode(text: string, options: EncodeOptions, signal: AbortSignal | undefined): Promise<Int32Array> {
    return new Promise((resolve, reject) => {
      const job: Job = {
        request: { text, options },
        settle: (answer) => {
          signal?.removeEventListener("abort", abort);
          if ("tokens" in answer) resolve(answer.tokens);
          else reject(new TokenizerError(answer.error));
        },
      };
      const abort = () => {
        reject(new AbortedError("The request was aborted by its signal.", { cause: signal!.reason }));
        // One that already runs is run to its end, and its answer dropped.
        const index = this.#waiting.indexOf(job);
        if (index >= 0) this.#waiting.splice(index, 1);
      };
      if (signal?.aborted) return abort();
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiting.push(job);
      this.#next();
    });
  }

  #next(): void {
    if (this.#running !== undefined) return;
    this.#running = this.#waiting.shift();
    clearTimeout(this.#idle);
    if (this.#running === undefined) {
      this.#worker?.unref();
      this.#idle = setTimeout(() => this.#stop(), idleMs).unref();
      return;
    }
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage(this.#running.request);
  }

  #start(): Worker {
    const worker = startWorker(this.#data);
    worker.on("message", (answer: EncoderAnswer) => this.#answer(answer));
    worker.on("error", (error) => this.#fail(worker, error.message));
    worker.on("exit", () => this.#fail(worker, "its thread ended"));
    return worker;
  }

  #answer(answer: EncoderAnswer): void {
    const job = this.#running;
    this.#running = undefined;
    job?.settle(answer);
    this.#next();
  }

  #fail(worker: Worker, reason: string): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    this.#answer({ error: `The model's tokenizer failed on a long text: ${reason}.` });
  }

  #stop(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
  }
}

/** The worker lies beside this file, and is a source or one of the two builds as this is. */
export function startWorker(workerData: EncoderData): Worker {
  const extension = extname(import.meta.url);
  const file = new URL(`./encoder-worker${extension}`, import.meta.url);
  // Options of the process, such as --input-type, are meant for its own program.
  if (extension !== ".ts") return new Worker(file, { workerData, execArgv: [] });
  // In the workspace: a thread has no loader for TypeScript before tsx registers one.
  const program = `import("tsx/esm/api").then(({ register }) => (register(), import("${file}")))`;
  return new Worker(program, { workerData, execArgv: ["--conditions=@trtllm-node/source"], eval: true });
}
