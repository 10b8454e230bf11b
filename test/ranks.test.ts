/** Engines of several ranks: a process each, started by Open MPI's mpirun, with the synthetic executor on every one. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Executor, type ExecutorOptions, launchLine } from "@trtllm-node/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inChild } from "./support/child.ts";
import { mpirun, openMpiEnvironment } from "./support/open-mpi.ts";
import { descendants, gone } from "./support/processes.ts";
import { type SyntheticScript, syntheticLibrary, syntheticPrompt } from "./support/synthetic.ts";
import { writeTensorrtEngine } from "./support/tensorrt-engine.ts";

const options: ExecutorOptions = { libraryPath: syntheticLibrary, host: { mpirun } };
const endless = { tokens: [syntheticPrompt.endless], maxTokens: 100 };
const crashed = { name: "ExecutorCrashedError", code: "ERR_EXECUTOR_CRASHED" };
const mostMsToEnd = 10_000;

let folder: string;
let engines = 0;

beforeAll(async () => {
  Object.assign(process.env, openMpiEnvironment);
  folder = await mkdtemp(join(tmpdir(), "ranks-"));
});

afterAll(() => rm(folder, { recursive: true }));

/** An engine of three ranks. */
async function engine(script: SyntheticScript = {}): Promise<string> {
  const path = join(folder, `engine${engines++}`);
  const mapping = { tp_size: 3 };
  return writeTensorrtEngine(path, { mapping, script: { stepDelayMs: 1, ...script } });
}

/** Process ids by rank. */
function ranks(): Map<number, number> {
  const all = descendants(process.pid).flatMap((pid) => {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    const rank = environment.find((entry) => entry.startsWith("OMPI_COMM_WORLD_RANK="))?.split("=")[1];
    return rank === undefined ? [] : [[Number(rank), pid] as const];
  });
  return new Map(all);
}

async function allGone(pids: Iterable<number>): Promise<void> {
  for (const pid of pids) await gone(pid, mostMsToEnd);
}

test("Every rank starts, tokens stream from the leader, and all end with the executor.", async () => {
  const executor = await Executor.create(await engine(), options);
  const started = ranks();
  expect([...started.keys()].sort()).toEqual([0, 1, 2]);
  const streams = Array.from({ length: 8 }, () => executor.submit({ tokens: [7], maxTokens: 50 }));
  for (const { result } of streams) expect((await result).tokens).toHaveLength(50);
  expect(executor.iterationStats().length).toBeGreaterThan(0);
  const all = descendants(process.pid);
  await executor.dispose();
  await allGone(all);
});

test.each([0, 1, 2])(
  "When rank %d is killed, requests in flight fail, every process ends in ten seconds, and it starts again.",
  async (rank) => {
    await using executor = await Executor.create(await engine(), options);
    const before = descendants(process.pid);
    const running = executor.submit(endless);
    await running[Symbol.asyncIterator]().next();
    process.kill(ranks().get(rank) as number, "SIGKILL");
    const killedAt = performance.now();
    await expect(running.result).rejects.toMatchObject(crashed);
    await allGone(before);
    expect(performance.now() - killedAt).toBeLessThan(mostMsToEnd);
    expect((await executor.submit({ tokens: [7], maxTokens: 2 }).result).tokens).toEqual(Int32Array.of(8, 9));
  },
);

test("A rank that aborts takes the others with it, and one that hangs is noticed.", async () => {
  const path = await engine();
  await writeFile(join(path, "rank2.engine"), JSON.stringify({ fault: "abort", faultAfterSteps: 20 }));
  const aborting = await Executor.create(path, { ...options, host: { mpirun, maxCrashes: 0 } });
  await expect(aborting.submit(endless).result).rejects.toMatchObject(crashed);
  await aborting.dispose();

  await writeFile(join(path, "rank2.engine"), JSON.stringify({ fault: "hang", faultAfterSteps: 20 }));
  const host = { mpirun, maxCrashes: 0, stallTimeoutMs: 500 };
  const hanging = await Executor.create(path, { ...options, host });
  const before = descendants(process.pid);
  await expect(hanging.submit(endless).result).rejects.toThrow("no sign of life");
  await hanging.dispose();
  await allGone(before);
});

test("A rank whose load fails is named with its reason.", async () => {
  const path = await engine();
  await writeFile(join(path, "rank1.engine"), JSON.stringify({ loadError: "the weights are upside down" }));
  const loading = Executor.create(path, options);
  await expect(loading).rejects.toThrow("Rank 1: the weights are upside down");
  await expect(loading).rejects.toMatchObject(crashed);
});

test("When the leader's load fails, its reason is told as with one process.", async () => {
  const path = await engine();
  await writeFile(join(path, "rank0.engine"), JSON.stringify({ loadError: "the weights are upside down" }));
  await expect(Executor.create(path, options)).rejects.toMatchObject({
    code: "ERR_EXECUTOR",
    message: "the weights are upside down",
  });
});

test("All ranks end with an application that is killed.", async () => {
  const path = await engine();
  const child = await inChild(`
    import { Executor } from "@trtllm-node/core";
    import { descendants } from "./test/support/processes.ts";
    const executor = await Executor.create(${JSON.stringify(path)}, ${JSON.stringify(options)});
    await executor.submit(${JSON.stringify(endless)})[Symbol.asyncIterator]().next();
    console.log(JSON.stringify(descendants(process.pid)));
    process.kill(process.pid, "SIGKILL");`);
  expect(child.signal).toBe("SIGKILL");
  const pids = JSON.parse(child.output) as number[];
  expect(pids.length).toBeGreaterThanOrEqual(5); // the launcher, mpirun, three ranks
  await allGone(pids);
});

test("Without mpirun the load fails and says so.", async () => {
  const loading = Executor.create(await engine(), { ...options, host: { mpirun: ["no-such-mpirun"] } });
  await expect(loading).rejects.toThrow("no-such-mpirun cannot be started");
});

test.each([
  [{ isolation: "none" }, /isolation is "none".*3 ranks \(tensor parallel 3 x pipeline parallel 1/],
  [{ parallel: { deviceIds: [0, 1] } }, /names 2 GPUs of each of 1 machines, but the engine has 3 ranks/],
  [{ parallel: { participantIds: [0] } }, /names 1 ranks, but the engine has 3/],
  [{ host: { mpirun: ["mpirun", "-np", "2"] } }, /host\.mpirun has -np/],
] satisfies [ExecutorOptions, RegExp][])(
  "Options like %j, which do not fit the engine's mapping, are refused before anything starts.",
  async (wrong, message) => {
    const loading = Executor.create(await engine(), { libraryPath: syntheticLibrary, ...wrong });
    await expect(loading).rejects.toMatchObject({ code: "ERR_INVALID_CONFIG" });
    await expect(loading).rejects.toThrow(message);
  },
);

test("The launch line can be told without starting anything.", async () => {
  const path = await engine();
  const told = await launchLine(path, { libraryPath: syntheticLibrary });
  expect(told).toMatch(/trtllm-host launch mpirun -n 3 .*trtllm-host rank .*libtrtllm_shim_synthetic\.so$/);
  const numNodes = 3;
  expect(await launchLine(path, { libraryPath: syntheticLibrary, parallel: { numNodes } })).toContain(
    "mpirun -n 3 -x TRTLLM_HOST_CONFIG -x TRTLLM_HOST_SOCKET ",
  );
  const orchestrated = { libraryPath: syntheticLibrary, parallel: { mode: "orchestrator" } } as const;
  expect(await launchLine(path, orchestrated)).not.toContain("mpirun");
});
