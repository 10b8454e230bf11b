import { monitorEventLoopDelay } from "node:perf_hooks";

export interface TimedStreams {
  /** Of the streams together. */
  readonly chunks: number;
  readonly seconds: number;
  /** Of all threads of this process. */
  readonly cpuSeconds: number;
  readonly eventLoopDelayP99Ms: number;
}

/** @param run reads all streams to their ends, and gives the chunks of each */
export async function timeStreams(run: () => Promise<readonly number[]>): Promise<TimedStreams> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const chunks = (await run()).reduce((sum, count) => sum + count, 0);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  return {
    chunks,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    eventLoopDelayP99Ms: delay.percentile(99) / 1e6,
  };
}
