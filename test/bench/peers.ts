import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { runOpenVinoGenAi } from "../support/openvino.ts";
import { type Measurement, makePrompts, type Workload } from "./workload.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const rawLlama = fileURLToPath(new URL("../../native-shim/build/release/bin/raw_llama", import.meta.url));

export type PeerName = "trtllm-node" | "raw llama.cpp" | "node-llama-cpp" | "OpenVINO GenAI";

/** Runs a workload in a process of its own, which warms up before it measures. */
export async function runPeer(peer: PeerName, workload: Workload): Promise<Measurement> {
  if (peer === "raw llama.cpp") return runRawLlama(workload);
  if (peer === "OpenVINO GenAI") return runGenAi(workload);
  const file = fileURLToPath(new URL(`peers/${peer}.ts`, import.meta.url));
  const { stdout } = await execa(
    process.execPath,
    ["--import", "tsx", "--conditions=@trtllm-node/source", file, JSON.stringify(workload)],
    { cwd: root },
  );
  return JSON.parse(stdout) as Measurement;
}

interface RawRun {
  readonly tokensPerSecond: number;
  readonly timeToFirstTokenSeconds: readonly number[];
  readonly tokens: readonly (readonly number[])[];
}

async function runRawLlama(workload: Workload): Promise<Measurement> {
  const { stdout } = await execa(rawLlama, [
    ...["--model", workload.model, "--requests", `${workload.requests}`],
    ...["--shared-prefix", `${workload.sharedPrefix}`, "--prompt-tokens", `${workload.promptTokens}`],
    ...["--new-tokens", `${workload.newTokens}`, "--print-tokens", "1"],
    ...["--threads", `${availableParallelism()}`],
  ]);
  const { runs } = JSON.parse(stdout) as { runs: [RawRun] };
  const [{ tokensPerSecond, timeToFirstTokenSeconds, tokens }] = runs;
  return {
    tokensPerSecond,
    tokens,
    timeToFirstTokenMs: timeToFirstTokenSeconds.map((seconds) => seconds * 1000),
  };
}

/** Of the model's 49,152 tokens, as the other peers find them in its vocabulary. */
const vocabularySize = 49_152;

async function runGenAi(workload: Workload): Promise<Measurement> {
  const { requests, newTokens } = workload;
  const { tokens, seconds, timeToFirstTokenSeconds } = await runOpenVinoGenAi({
    model: workload.model,
    prompts: makePrompts(workload, vocabularySize),
    newTokens,
    together: workload.arrival === "together",
    maxNumTokens: 256 + requests, // as ours by default
    prefixCaching: true,
    warmUp: true,
  });
  return {
    tokensPerSecond: (requests * newTokens) / seconds,
    tokens,
    timeToFirstTokenMs: timeToFirstTokenSeconds.map((time) => time * 1000),
  };
}
