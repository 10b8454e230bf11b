import { Batch } from "./batch.ts";
import { RequestTable } from "./request-table.ts";
import type { SimulatedEngine } from "./simulated-engine.ts";
import type { SimulatedRequest, Simulation } from "./simulation.ts";
import type { StepTime } from "./step-time.ts";

/**
 * Runs requests through a model of the embedded executor's in-flight batcher: the same policies of admission, chunked
 * context, KV blocks, reuse and pauses, step by step, with the time of a step from a model. The same input gives the
 * same output.
 *
 * What it leaves out: priorities, several sequences, cancels, and the reuse of answers.
 * @param requests in order of arrival
 */
export function simulate(
  requests: readonly SimulatedRequest[],
  engine: SimulatedEngine,
  stepTime: StepTime,
): Simulation {
  const table = new RequestTable(requests, engine);
  const batch = new Batch(table, engine, stepTime);
  const queue: number[] = [];
  let [waitingFrom, next, refused] = [0, 0, 0];
  batch.now = table.arrival[0] ?? 0;
  const begin = batch.now;
  for (;;) {
    for (; next < table.count && table.arrival[next]! <= batch.now; next += 1) {
      if (!table.fits(next) || queue.length - waitingFrom >= engine.maxQueueSize) refused += 1;
      else queue.push(next);
    }
    while (waitingFrom < queue.length && batch.tryAdmit(queue[waitingFrom]!)) waitingFrom += 1;
    if (waitingFrom > 10_000) {
      queue.splice(0, waitingFrom);
      waitingFrom = 0;
    }
    if (batch.active > 0) batch.run(table.arrival[next] ?? Number.POSITIVE_INFINITY);
    else if (next < table.count) batch.now = table.arrival[next]!;
    else return batch.result(refused, batch.now - begin);
  }
}
