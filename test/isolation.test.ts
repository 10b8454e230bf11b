import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Executor, type ExecutorOptions } from "@trtllm-node/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inChild } from "./support/child.ts";
import { writeSyntheticAdapter } from "./support/lora-adapter.ts";
import { gone } from "./support/processes.ts";
import {
  type SyntheticScript,
  syntheticEngine,
  syntheticLibrary,
  syntheticPrompt,
} from "./support/synthetic.ts";

const isolated: ExecutorOptions = { libraryPath: syntheticLibrary, isolation: "process" };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "isolation-"));
});

afterAll(() => rm(folder, { recursive: true }));

async function create(script: SyntheticScript = {}, options: ExecutorOptions = {}): Promise<Executor> {
  using engine = syntheticEngine({ stepDelayMs: 1, ...script });
  const path = join(folder, `${engineCount++}.json`);
  await cp(engine.path, path); // stays for restarts
  return Executor.create(path, { ...isolated, ...options });
}
let engineCount = 0;

const endless = { tokens: [syntheticPrompt.endless], maxTokens: 100 };
const crashed = { name: "ExecutorCrashedError", code: "ERR_EXECUTOR_CRASHED" };

test.each([
  ["a segmentation fault", syntheticPrompt.segfault, { signal: "SIGSEGV", exitCode: null }],
  ["an abort", syntheticPrompt.abort, { signal: "SIGABRT", exitCode: null }],
  ["an exit without a word", syntheticPrompt.exit, { signal: null, exitCode: 3 }],
])(
  "After %s every request in flight fails with its facts, and the executor comes back.",
  async (_, prompt, facts) => {
    await using executor = await create();
    const running = executor.submit(endless);
    await running[Symbol.asyncIterator]().next();
    const fatal = executor.submit({ tokens: [prompt], maxTokens: 1 });
    for (const { result } of [running, fatal])
      await expect(result).rejects.toMatchObject({ ...crashed, ...facts });
    // Submitted while it restarts: it waits.
    expect(await executor.submit({ tokens: [7], maxTokens: 3 }).result).toMatchObject({
      tokens: Int32Array.of(8, 9, 10),
    });
    expect(executor.iterationStats().length).toBeGreaterThan(0);
  },
);

test("LoRA adapters are there again after a restart, before what was submitted meanwhile.", async () => {
  const adapter = await writeSyntheticAdapter(join(folder, "adapter"));
  await using executor = await create({}, { lora: { first: adapter } });
  await executor.lora.load("second", adapter);
  const run = async (lora?: string) => [
    ...(await executor.submit({ tokens: [syntheticPrompt.lora], maxTokens: 3, lora }).result).tokens,
  ];
  // The task's id, rows and columns of its weights.
  expect(await run("second")).toEqual([2, 1, 5]);
  const fatal = executor.submit({ tokens: [syntheticPrompt.segfault], maxTokens: 1 });
  await expect(fatal.result).rejects.toMatchObject(crashed);
  expect(await Promise.all([run("first"), run("second"), run()])).toEqual([[1, 1, 5], [2, 1, 5], [-1]]);
  executor.lora.unload("first");
  await expect(executor.lora.load("gone", join(folder, "nowhere"))).rejects.toMatchObject({
    code: "ERR_ADAPTER_NOT_FOUND",
  });
  expect(executor.lora.names).toEqual(["second"]);
});

test("During a restart a text is tokenized once that is over, and what must be answered at once is an error.", async () => {
  await using executor = await create();
  const fatal = executor.submit({ tokens: [syntheticPrompt.exit], maxTokens: 1 });
  await expect(fatal.result).rejects.toMatchObject(crashed);
  const { vocabulary } = executor;
  expect(() => vocabulary!.tokenize("a")).toThrow(expect.objectContaining(crashed));
  expect(() => executor.iterationStats()).toThrow(expect.objectContaining(crashed));
  expect(await vocabulary!.tokenizeAsync("a", { addSpecial: false })).toEqual(Int32Array.of(97));
});

test("An exception out of the executor's own thread is a crash, whose last words are told.", async () => {
  const executor = await create({ fault: "exception" });
  const error = await executor.submit(endless).result.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ ...crashed, signal: "SIGABRT" });
  expect((error as { stderr: string }).stderr).toContain("The executor's loop broke.");
  await executor.dispose();
});

test("A process that gives no sign of life while requests run is ended.", async () => {
  await using executor = await create({}, { host: { stallTimeoutMs: 300 } });
  const hung = executor.submit({ tokens: [syntheticPrompt.hang], maxTokens: 1 });
  await expect(hung.result).rejects.toMatchObject({ ...crashed, signal: "SIGKILL" });
  await expect(hung.result).rejects.toThrow("no sign of life");
  expect((await executor.submit({ tokens: [7], maxTokens: 1 }).result).tokens).toEqual(Int32Array.of(8));
});

test("Requests that end in time are no stall, and neither is having none.", async () => {
  await using executor = await create({ stepDelayMs: 20 }, { host: { stallTimeoutMs: 200 } });
  for (let round = 0; round < 3; round++) {
    expect((await executor.submit({ tokens: [7], maxTokens: 20 }).result).tokens).toHaveLength(20);
  }
});

test("A crash while it loads rejects the load, and so does an engine that is none.", async () => {
  await expect(create({ loadFault: "segfault" })).rejects.toMatchObject({ ...crashed, signal: "SIGSEGV" });
  await expect(create({ loadError: "the engine is upside down" })).rejects.toThrow(
    "the engine is upside down",
  );
});

test("Too many crashes leave it down, and say so at once.", async () => {
  const executor = await create({}, { host: { maxCrashes: 1, backoffMs: 1 } });
  const crash = () => executor.submit({ tokens: [syntheticPrompt.exit], maxTokens: 1 }).result;
  await expect(crash()).rejects.toMatchObject(crashed);
  await expect(crash()).rejects.toMatchObject(crashed);
  expect(() => executor.submit(endless)).toThrow(expect.objectContaining(crashed));
  await executor.dispose();
});

test("An engine that cannot be loaded again leaves it down with the reason.", async () => {
  const path = join(folder, "replaced.json");
  await writeFile(path, "{}");
  const executor = await Executor.create(path, { ...isolated, host: { backoffMs: 200 } });
  const fatal = executor.submit({ tokens: [syntheticPrompt.exit], maxTokens: 1 });
  await expect(fatal.result).rejects.toMatchObject(crashed);
  await writeFile(path, "no script");
  await expect(executor.submit(endless).result).rejects.toMatchObject({ code: "ERR_ENGINE_CORRUPT" });
  await executor.dispose();
});

test("Dispose while it waits for its restart ends at once.", async () => {
  const executor = await create({}, { host: { backoffMs: 60_000, maxBackoffMs: 60_000 } });
  await expect(
    executor.submit({ tokens: [syntheticPrompt.exit], maxTokens: 1 }).result,
  ).rejects.toMatchObject(crashed);
  const waiting = executor.submit(endless);
  await executor.dispose();
  await expect(waiting.result).rejects.toMatchObject({ code: "ERR_DISPOSED" });
});

test("A file that is no library is refused with the loader's reason, an unwatched one with host options too.", async () => {
  const path = join(folder, "libnothing.so");
  await writeFile(path, "not a library");
  await expect(Executor.create("/", { ...isolated, libraryPath: path })).rejects.toMatchObject({
    code: "ERR_LIBRARY_NOT_FOUND", // no trtllm-host beside it
  });
  await cp(join(syntheticLibrary, "../trtllm-host"), join(folder, "trtllm-host"));
  const loading = Executor.create("/", { ...isolated, libraryPath: path });
  await expect(loading).rejects.toMatchObject({ code: "ERR_LIBRARY_INCOMPATIBLE" });
  await expect(loading).rejects.toThrow(/invalid ELF header|too short/);
  const inProcess = Executor.create("/", { libraryPath: syntheticLibrary, host: { maxCrashes: 1 } });
  await expect(inProcess).rejects.toMatchObject({ code: "ERR_INVALID_CONFIG" });
});

/** A program with an isolated executor that has a request running; `then` is what it does next. */
function program(then: string): string {
  return `
    import { Executor } from "@trtllm-node/core";
    import { readFileSync } from "node:fs";
    import { syntheticEngine, syntheticLibrary } from "./test/support/synthetic.ts";
    const engine = syntheticEngine({ stepDelayMs: 1 });
    process.on("exit", () => engine[Symbol.dispose]());
    const executor = await Executor.create(engine.path, { libraryPath: syntheticLibrary, isolation: "process" });
    const children = readFileSync("/proc/self/task/" + process.pid + "/children", "utf8").trim().split(" ");
    const host = children.find((pid) => readFileSync("/proc/" + pid + "/comm", "utf8") === "trtllm-host\\n");
    ${then}`;
}

test("An idle one does not keep the application alive, and ends with it.", async () => {
  const child = await inChild(program("console.log(host);"));
  expect(child).toMatchObject({ code: 0, signal: null });
  await gone(Number(child.output));
});

test("process.exit with requests in flight exits with its code, and ends the process.", async () => {
  const running = `executor.submit({ tokens: [${syntheticPrompt.endless}], maxTokens: 9 });`;
  const child = await inChild(program(`${running} console.log(host); process.exit(7);`));
  expect(child).toMatchObject({ code: 7, signal: null });
  await gone(Number(child.output));
});

test("Running requests keep the application alive until they end.", async () => {
  const child = await inChild(
    program(
      `executor.submit({ tokens: [1], maxTokens: 9 }).result.then(({ finishReason }) => console.log(finishReason));`,
    ),
  );
  expect(child).toEqual({ code: 0, signal: null, output: "length\n" });
});

test("The process ends with an application that is killed.", async () => {
  const script = program(
    `executor.submit({ tokens: [${syntheticPrompt.endless}], maxTokens: 9 }); console.log(host);`,
  );
  const args = [
    "--import",
    "tsx",
    "--conditions=@trtllm-node/source",
    "--input-type=module",
    "--eval",
    script,
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [host] = (await once(child.stdout, "data")) as [Buffer];
  child.kill("SIGKILL");
  await gone(Number(host.toString()));
});
