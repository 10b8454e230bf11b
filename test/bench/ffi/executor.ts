/** One run of `Executor` as it ships: `executor.ts '{"isolation": "none" | "process", "streams": ...}'`. */
import { Executor } from "@trtllm-node/core";
import { syntheticEngine, syntheticLibrary } from "../../support/synthetic.ts";
import { timeStreams } from "./time-streams.ts";

export interface ExecutorTask {
  readonly isolation: "none" | "process";
  readonly streams: number;
  readonly tokensPerStream: number;
}

export interface ExecutorMeasured {
  readonly tokensPerSecond: number;
  /** CPU time of the Node process per million tokens; in-process that includes the executor's threads. */
  readonly cpuSecondsPerMillion: number;
  readonly eventLoopDelayP99Ms: number;
  readonly tokensPerChunk: number;
}

const { isolation, streams, tokensPerStream }: ExecutorTask = JSON.parse(process.argv[2]!);
using engine = syntheticEngine({ vocabularySize: 50_000, maxSequenceTokens: 1_000_000, vocabulary: false });
const executor = await Executor.create(engine.path, {
  libraryPath: syntheticLibrary,
  isolation,
  maxBatchSize: streams,
});

async function stream(maxTokens: number, index: number): Promise<number> {
  let chunks = 0;
  let count = 0;
  for await (const { tokens } of executor.submit({ tokens: [index], maxTokens })) {
    chunks += 1;
    count += tokens.length;
  }
  if (count !== maxTokens) throw new Error(`Stream ${index} gave ${count} tokens instead of ${maxTokens}`);
  return chunks;
}

const run = (tokens: number) =>
  Promise.all(Array.from({ length: streams }, (_, index) => stream(tokens, index)));

await run(Math.ceil(tokensPerStream / 5)); // warm
const { chunks, seconds, cpuSeconds, eventLoopDelayP99Ms } = await timeStreams(() => run(tokensPerStream));
await executor.dispose();

const tokens = streams * tokensPerStream;
const measured: ExecutorMeasured = {
  tokensPerSecond: tokens / seconds,
  cpuSecondsPerMillion: (cpuSeconds * 1e6) / tokens,
  eventLoopDelayP99Ms,
  tokensPerChunk: tokens / chunks,
};
process.stdout.write(JSON.stringify(measured));
