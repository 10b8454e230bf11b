import { onGpu } from "./device.ts";
import type { PeerName } from "./peers.ts";
import type { Measurement, Workload } from "./workload.ts";

/** A ratio of ours to the peer's, and what it should be. */
export interface Ratio {
  readonly of: string;
  readonly value: (ours: Measurement, peer: Measurement) => number;
  readonly bar: { readonly atLeast: number } | { readonly atMost: number };
}

export interface Comparison {
  readonly title: string;
  /** `undefined`: the first request of the workload is the peer of the second. */
  readonly peer: PeerName | undefined;
  /** Ours runs on OpenVINO. */
  readonly openvino?: true;
  readonly workload: Omit<Workload, "model">;
  readonly ratios: readonly Ratio[];
}

const promptTokens = 128;
const newTokens = 64;
const together = { promptTokens, newTokens, sharedPrefix: 0, arrival: "together" } as const;

export const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const throughput = (atLeast: number): Ratio => ({
  of: "tokens/s",
  value: (ours, peer) => ours.tokensPerSecond / peer.tokensPerSecond,
  bar: { atLeast },
});

const timeToFirstToken = (atMost: number): Ratio => ({
  of: "mean TTFT",
  value: (ours, peer) => mean(ours.timeToFirstTokenMs) / mean(peer.timeToFirstTokenMs),
  bar: { atMost },
});

const onLlamaCpp: readonly Comparison[] = [
  ...[1, 8, 32, ...(onGpu ? [128] : [])].map(
    (requests): Comparison => ({
      title: `${requests} at once, ${promptTokens} + ${newTokens} tokens`,
      peer: "raw llama.cpp",
      workload: { ...together, requests },
      ratios: [throughput(0.95)],
    }),
  ),
  {
    title: `8 at once, ${promptTokens} + ${newTokens} tokens`,
    peer: "node-llama-cpp",
    workload: { ...together, requests: 8 },
    ratios: [throughput(1.5), timeToFirstToken(0.65)],
  },
  {
    title: `8 at once, 512 shared + ${promptTokens} + ${newTokens} tokens`,
    peer: "node-llama-cpp",
    workload: { ...together, requests: 8, sharedPrefix: 512 },
    ratios: [throughput(3)],
  },
  secondPrompt(0.15),
];

const onOpenVino: readonly Comparison[] = [
  ...[1, 8, 32].flatMap((requests) =>
    (["OpenVINO GenAI", "raw llama.cpp"] as const).map(
      (peer): Comparison => ({
        title: `OpenVINO, ${requests} at once, ${promptTokens} + ${newTokens} tokens`,
        peer,
        openvino: true,
        workload: { ...together, requests },
        ratios: [throughput(requests === 1 ? 1 : peer === "raw llama.cpp" ? 2 : 0.95)],
      }),
    ),
  ),
  { ...secondPrompt(0.1, "OpenVINO, "), openvino: true },
];

export const comparisons: readonly Comparison[] = [...onLlamaCpp, ...onOpenVino];

function secondPrompt(atMost: number, on = ""): Comparison {
  return {
    title: `${on}second prompt with the first one's 1,024 tokens, then 32 of its own`,
    peer: undefined,
    workload: { requests: 2, sharedPrefix: 1024, promptTokens: 32, newTokens: 8, arrival: "one by one" },
    ratios: [
      {
        of: "TTFT, second / first",
        value: ({ timeToFirstTokenMs: [first, second] }) => second! / first!,
        bar: { atMost },
      },
    ],
  };
}
