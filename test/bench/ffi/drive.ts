/** One run of one way to be woken, in a process of its own: `drive.ts '{"wakeUp": ..., "streams": ...}'`. */
import type { TokenChunk } from "../../../packages/core/src/executor-like.ts";
import { loadLibrary } from "../../../packages/core/src/native/library.ts";
import { RecordReader } from "../../../packages/core/src/native/records.ts";
import { RequestStream, RunningRequest } from "../../../packages/core/src/token-stream.ts";
import { syntheticEngine, syntheticLibrary } from "../../support/synthetic.ts";
import { timeStreams } from "./time-streams.ts";
import { type WakeUpName, wakeUps } from "./wake-ups.ts";

export interface Task {
  readonly wakeUp: WakeUpName;
  readonly streams: number;
  readonly tokensPerStream: number;
  /** Of all streams together; 0: as fast as they are taken. */
  readonly tokensPerSecond: number;
}

export interface Measured {
  readonly tokensPerSecond: number;
  /** Of all threads of the process: what one core would do. */
  readonly tokensPerCpuSecond: number;
  readonly eventLoopDelayP99Ms: number;
  /** From the record's time in the shim to its drain, median. */
  readonly wakeLatencyUs: number;
  readonly tokensPerChunk: number;
}

const { wakeUp, streams, tokensPerStream, tokensPerSecond }: Task = JSON.parse(process.argv[2]!);
using engine = syntheticEngine({
  tokensPerSecond,
  vocabularySize: 50_000,
  maxSequenceTokens: 1_000_000,
  vocabulary: false,
});
const native = await loadLibrary(syntheticLibrary);
const out = new BigUint64Array(1);
const wakeFd = new Int32Array(1);
const error = Buffer.alloc(4 + 1024);
const config = { engine: engine.path, executor: { maxBatchSize: streams } };
check(native.create(JSON.stringify(config), out, wakeFd, error));
const handle = Number(out[0]);

function check(status: number): void {
  if (status !== 0) throw new Error(error.toString("utf8", 4, error.indexOf(0, 4)));
}

const reader = new RecordReader(256 * 1024);
const words = new Uint32Array(reader.buffer);
const requests = new Map<number, RunningRequest>();
let touched: RunningRequest[] = [];
let latencies: number[] = [];
let ready = () => {};
let stopped = () => {};
const visitor = {
  loadProgress: () => {},
  ready: () => ready(),
  loadFailed: (_: number, message: string) => {
    throw new Error(message);
  },
  tokens: (record: Parameters<RunningRequest["push"]>[0]) => {
    const request = requests.get(record.requestId);
    if (request?.push(record)) touched.push(request);
  },
  topLogProbs: () => {}, // nobody asks for them
  promptLogProbs: () => {},
  sequenceEnd: () => {},
  final: (record: Parameters<RunningRequest["finish"]>[0]) => requests.get(record.requestId)?.finish(record),
  error: (_: number, __: number, message: string) => {
    throw new Error(message);
  },
  lora: () => {},
  stopped: () => stopped(),
};

function pump(): void {
  if (native.drain(handle, reader.buffer, reader.buffer.byteLength, out, error) !== 0) return; // destroyed
  const bytes = Number(out[0]);
  if (bytes === 0) return;
  latencies.push(Number(process.hrtime.bigint()) - (words[4]! + words[5]! * 2 ** 32));
  reader.read(bytes, visitor);
  for (const request of touched) request.flush();
  touched = [];
  setImmediate(pump);
}

const ended = wakeUps[wakeUp](wakeFd[0]!, pump);
await new Promise<void>((resolve) => {
  ready = resolve;
});

async function stream(tokens: number, index: number): Promise<number> {
  const json = JSON.stringify({ maxTokens: tokens });
  check(native.submit(handle, json, Int32Array.of(index % 900), 1, out, error));
  const id = Number(out[0]);
  const request = new RunningRequest(id, () => {});
  requests.set(id, request);
  let chunks = 0;
  let count = 0;
  for await (const chunk of new RequestStream(request) as AsyncIterable<TokenChunk>) {
    chunks += 1;
    count += chunk.tokens.length;
  }
  if (count !== tokens) throw new Error(`Request ${id} gave ${count} tokens instead of ${tokens}`);
  return chunks;
}

const run = (tokens: number) =>
  Promise.all(Array.from({ length: streams }, (_, index) => stream(tokens, index)));

await run(Math.ceil(tokensPerStream / 5)); // warm
latencies = [];
const { chunks, seconds, cpuSeconds, eventLoopDelayP99Ms } = await timeStreams(() => run(tokensPerStream));

await new Promise<void>((resolve) => {
  stopped = resolve;
  native.shutdown(handle, error);
});
native.destroy(handle, error);
ended();

const tokens = streams * tokensPerStream;
const measured: Measured = {
  tokensPerSecond: tokens / seconds,
  tokensPerCpuSecond: tokens / cpuSeconds,
  eventLoopDelayP99Ms,
  wakeLatencyUs: latencies.sort((a, b) => a - b)[Math.floor(latencies.length / 2)]! / 1000,
  tokensPerChunk: tokens / chunks,
};
process.stdout.write(JSON.stringify(measured));
