/** The library over TensorRT-LLM, built by the command and run, with a stand-in for the tensorrt_llm package. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Executor, type ExecutorOptions, libraryInfo } from "@trtllm-node/core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runCli } from "./support/cli.ts";
import { type TensorrtEngine, writeTensorrtEngine } from "./support/tensorrt-engine.ts";
import { pythonWith, standInSitePackages } from "./support/tensorrt-llm-stand-in.ts";

let folder: string;
let libraryPath: string;
let engines = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tensorrt-llm-"));
  const python = await pythonWith(standInSitePackages, folder);
  const args = ["native", "build", "--python", python, "--output", join(folder, "build")];
  const { exitCode, stdout, stderr } = await runCli(args);
  expect(exitCode, stderr).toBe(0);
  libraryPath = stdout.trim();
}, 300_000);

afterAll(() => rm(folder, { recursive: true }));

function engine(options?: TensorrtEngine): Promise<string> {
  return writeTensorrtEngine(join(folder, `engine${engines++}`), options);
}

async function open(options?: TensorrtEngine, executor?: ExecutorOptions): Promise<Executor> {
  return Executor.create(await engine(options), { libraryPath, ...executor });
}

test("The library that the command has built says what it is made of.", async () => {
  expect(await libraryInfo(libraryPath)).toMatchObject({
    path: join(folder, "build/lib/libtrtllm_shim.so"),
    executor: "tensorrt_llm",
    libraries: expect.arrayContaining([{ name: "TensorRT", version: "10.13.3" }]),
  });
});

test.each(["none", "process"] as const)(
  "An engine is opened and answers, with isolation %s.",
  async (isolation) => {
    await using executor = await open({}, { isolation, requestStatsMaxIterations: 10 });
    expect(executor.engine).toMatchObject({
      format: "tensorrt",
      architecture: "LlamaForCausalLM",
      device: "Stand-in GPU",
      vocabularySize: 1000,
      maxSequenceTokens: 256,
      maxBatchSize: 4,
      maxNumTokens: 128,
      maxQueueSize: 1024,
      tokensPerBlock: 16,
      kvBlocks: 100, // of the statistics of a first step
      kvBytesPerToken: 2 * 2 * 2 * 16 * 2,
    });
    expect(executor.vocabulary).toBeUndefined();
    expect((await executor.submit({ tokens: [7], maxTokens: 3 }).result).tokens).toEqual(
      Int32Array.of(8, 9, 10),
    );
  },
);

test("Limits above the engine's, and options of other executors, are refused before anything is loaded.", async () => {
  await expect(open({}, { maxBatchSize: 5 })).rejects.toThrow("built for at most 4");
  await expect(open({}, { embedded: { threads: 1 } })).rejects.toMatchObject({ code: "ERR_INVALID_CONFIG" });
  await expect(open({}, { enableTrtOverlap: true })).rejects.toMatchObject({ code: "ERR_UNSUPPORTED" });
});

test("An engine that cannot run here is refused with what was found and what is needed.", async () => {
  const incompatible = { name: "EngineError", code: "ERR_ENGINE_INCOMPATIBLE" };
  const older = open({ version: "1.1.0" });
  await expect(older).rejects.toMatchObject(incompatible);
  await expect(older).rejects.toThrow("was built by TensorRT-LLM 1.1.0, and 1.2.1");

  const path = await engine();
  await writeFile(join(path, "engine.lock.json"), '{"target": {"computeCapability": "8.6"}}');
  const other = Executor.create(path, { libraryPath });
  await expect(other).rejects.toMatchObject(incompatible);
  await expect(other).rejects.toThrow("compute capability 8.6, and this one has 9.0");

  const twoRanks = await engine({ mapping: { tp_size: 2 } });
  await rm(join(twoRanks, "rank1.engine"));
  const missing = Executor.create(twoRanks, { libraryPath });
  await expect(missing).rejects.toMatchObject({ code: "ERR_ENGINE_CORRUPT" });
  await expect(missing).rejects.toThrow("for 2 ranks, and rank1.engine is missing");
});

test("Without a GPU an engine is refused, and the library loads all the same.", async () => {
  vi.stubEnv("STAND_IN_GPUS", "0x9.0");
  try {
    const loading = open({}, { isolation: "process" });
    await expect(loading).rejects.toMatchObject({ code: "ERR_ENGINE_INCOMPATIBLE" });
    await expect(loading).rejects.toThrow("no NVIDIA GPU");
  } finally {
    vi.unstubAllEnvs();
  }
});
