import type { Measurement, Workload } from "./workload.ts";

/** Runs one request: calls `onToken` for the first token at the latest when it has come, returns all of them. */
export type RunRequest = (
  prompt: readonly number[],
  index: number,
  onToken: () => void,
) => Promise<readonly number[]>;

/** Runs the prompts of a workload through one engine, and takes the times. */
export async function measure(
  workload: Workload,
  prompts: readonly (readonly number[])[],
  runRequest: RunRequest,
): Promise<Measurement> {
  const timed = async (prompt: readonly number[], index: number) => {
    const submitted = performance.now();
    let firstToken: number | undefined;
    const tokens = await runRequest(prompt, index, () => {
      firstToken ??= performance.now();
    });
    if (tokens.length !== workload.newTokens || firstToken === undefined) {
      throw new Error(`Request ${index} gave ${tokens.length} tokens instead of ${workload.newTokens}`);
    }
    return { tokens, timeToFirstTokenMs: firstToken - submitted };
  };

  const busyBefore = performance.eventLoopUtilization();
  const start = performance.now();
  const answers: Awaited<ReturnType<typeof timed>>[] = [];
  if (workload.arrival === "together") {
    answers.push(...(await Promise.all(prompts.map(timed))));
  } else {
    for (const [index, prompt] of prompts.entries()) answers.push(await timed(prompt, index));
  }
  const milliseconds = performance.now() - start;
  const busy = performance.eventLoopUtilization(busyBefore).active;

  const generated = workload.requests * workload.newTokens;
  return {
    tokensPerSecond: (generated / milliseconds) * 1000,
    timeToFirstTokenMs: answers.map((answer) => answer.timeToFirstTokenMs),
    tokens: answers.map((answer) => [...answer.tokens]),
    javascriptMicrosecondsPerToken: (busy / generated) * 1000,
  };
}

/** The workload that a peer's process got as its argument. */
export function workloadFromArguments(): Workload {
  return JSON.parse(process.argv[2]!) as Workload;
}

/** Enough of the workload to have touched every page and compiled every function. */
export function warmUp(workload: Workload): Workload {
  return { ...workload, newTokens: 4, arrival: "together" };
}
