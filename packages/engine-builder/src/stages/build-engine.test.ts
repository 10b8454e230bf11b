import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AbortedError, ConfigError } from "@trtllm-node/core";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tinyShape, writeModel } from "../../test/model-files.ts";
import { standIns } from "../../test/stand-in/tools.ts";
import type { BuildConfigInput } from "../config/build-config.ts";
import { BuildError, BuildLockedError, ToolError } from "../errors.ts";
import { buildEngine } from "./build-engine.ts";
import type { BuildEvent } from "./build-event.ts";
import { digestFile } from "./digest.ts";

let folder: string;
let config: BuildConfigInput;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "build-"));
  await writeModel(join(folder, "model"), tinyShape);
  await writeFile(join(folder, "model/tokenizer.json"), "{}");
  await mkdir(join(folder, "texts"));
  await writeFile(join(folder, "texts/train.txt"), "One text.");
  config = {
    model: join(folder, "model"),
    output: join(folder, "engine"),
    gpu: "H100-SXM",
    quantization: { weights: "fp8", kvCache: "fp8", calibration: { dataset: join(folder, "texts") } },
    parallel: { tensor: 2 },
    limits: { maxBatchSize: 4, maxSequenceTokens: 1024 },
  };
});

afterEach(async () => {
  delete process.env.STAND_IN;
  await rm(folder, { recursive: true });
});

/** Builds with the stand-ins; `trouble` is what they are told to do. */
async function build(more: Partial<BuildConfigInput> = {}, trouble = "", signal?: AbortSignal) {
  process.env.STAND_IN = trouble;
  const events: BuildEvent[] = [];
  const onEvent = (event: BuildEvent) => void events.push(event);
  const result = await buildEngine({ ...config, ...more }, { tools: standIns, onEvent, signal });
  const stages = events.flatMap((event) => (event.kind === "stage" ? [`${event.stage} ${event.state}`] : []));
  return { ...result, events, stages };
}

/** The files of an engine directory, checked against its lock file. */
async function engineFiles(output: string): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(output, "engine.lock.json"), "utf8"));
  const names = (await readdir(output)).sort();
  expect(names).toEqual([...Object.keys(lock.files), "engine.lock.json"].sort());
  for (const name of Object.keys(lock.files))
    expect(await digestFile(join(output, name))).toEqual(lock.files[name]);
  return names;
}

const whole = ["config.json", "engine.lock.json", "rank0.engine", "rank1.engine", "tokenizer.json"];

describe("buildEngine, on stand-ins for NVIDIA's tools", () => {
  it("makes an engine directory with tokenizer and lock file", async () => {
    const { output, lock, stages } = await build();
    expect(await engineFiles(output)).toEqual(whole);
    expect(stages).toEqual([
      ...["source started", "source finished", "checkpoint started", "checkpoint finished"],
      ...["engine started", "engine finished", "output started", "output finished"],
    ]);
    expect(lock).toMatchObject({
      formatVersion: 1,
      target: {
        executor: "tensorrt-llm",
        version: "1.2.1",
        gpu: "H100-SXM",
        computeCapability: "9.0",
        gpuCount: 2,
      },
      source: { model: join(folder, "model"), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      config: { quantization: { weights: "fp8", kvCache: "fp8" }, limits: { maxBatchSize: 4 } },
      measures: { activationBytes: [1_140_871_168, 1_140_871_168] },
    });
    expect(lock.commands[0]).toMatch(/modelopt-python .*quantize\.py --model .* --format fp8 --kv-cache fp8/);
    expect(lock.commands[1]).toMatch(/trtllm-build --checkpoint_dir .* --max_batch_size 4/);
  });

  it("tells progress that only grows, and the measures of each rank", async () => {
    const { events } = await build();
    for (const stage of ["checkpoint", "engine"]) {
      const fractions = events.flatMap((event) =>
        event.kind === "progress" && event.stage === stage ? [event.fraction] : [],
      );
      expect(fractions.length).toBeGreaterThan(4);
      expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
      expect(fractions.at(-1)).toBe(1);
    }
    expect(events).toContainEqual(expect.objectContaining({ kind: "measure", rank: 1, name: "weightBytes" }));
  });

  it("does nothing twice", async () => {
    await build();
    const before = await stat(join(folder, "engine/rank0.engine"));
    const { stages } = await build();
    expect(stages.slice(2)).toEqual([
      "checkpoint reused",
      "engine reused",
      "output started",
      "output reused",
    ]);
    expect((await stat(join(folder, "engine/rank0.engine"))).ino).toBe(before.ino);
  });

  it("keeps the checkpoint where only limits change, and replaces the engine", async () => {
    const first = await build();
    const { stages, lock } = await build({ limits: { maxBatchSize: 8, maxSequenceTokens: 1024 } });
    expect(stages.slice(2, 4)).toEqual(["checkpoint reused", "engine started"]);
    expect(lock.files["rank0.engine"]).not.toEqual(first.lock.files["rank0.engine"]);
    expect(await engineFiles(join(folder, "engine"))).toEqual(whole);
  });

  it.each<[string, (folder: string) => Promise<unknown>]>([
    ["the model", (at) => writeFile(join(at, "model/tokenizer.json"), '{"changed":true}')],
    ["the calibration texts", (at) => writeFile(join(at, "texts/train.jsonl"), '{"text":"more"}')],
  ])("starts over where %s changed", async (_, change) => {
    await build();
    await change(folder);
    expect((await build()).stages).toContain("checkpoint started");
  });

  it("repairs an output that lost a file", async () => {
    const { output } = await build();
    await rm(join(output, "rank1.engine"));
    await build();
    expect(await engineFiles(output)).toEqual(whole);
  });

  it("makes the checkpoint with the converter where nothing is quantized", async () => {
    const { lock } = await build({ quantization: {} });
    expect(lock.commands[0]).toContain("convert_checkpoint.py");
  });

  it("tells of a limit that trtllm-build changed", async () => {
    const { events } = await build(
      { limits: { maxBatchSize: 4, maxSequenceTokens: 1024, maxNumTokens: 2048 } },
      "clip",
    );
    const warnings = events.flatMap((event) => (event.kind === "warning" ? [event.message] : []));
    expect(warnings).toContain("max_num_tokens is clipped");
    expect(warnings).toContain("trtllm-build made limits.maxNumTokens 1024, not 2048.");
  });
});

describe("buildEngine, when something goes wrong", () => {
  const failures: [string, string, RegExp][] = [
    [
      "the quantization fails",
      "exporting:fail",
      /exit code 1\. It said: RuntimeError: CUDA error: out of memory/,
    ],
    ["the checkpoint tool is killed for memory", "quantizing:kill", /ended by SIGKILL.*out of memory/],
    [
      "the disk is full in the middle of a file",
      "half:full",
      /It said: OSError: \[Errno 28\] No space left on device/,
    ],
    [
      "the checkpoint lacks a rank",
      "rank1.safetensors:no-file",
      /lacks rank1\.safetensors, though its tool succeeded/,
    ],
    ["the build fails", "Detected 15 inputs:fail", /trtllm-build failed with exit code 1/],
    ["the build aborts in C++", "Engine generation:abort", /ended by SIGABRT\. It said: terminate called/],
    ["the build makes no engine and says nothing", "rank1.engine:no-file", /made no rank1\.engine/],
    ["the disk is full while an engine is written", "Serializing engine:full", /No space left/],
  ];

  it.each(failures)("says why, leaves no output and resumes: %s", async (_, trouble, message) => {
    const failure = await build({}, trouble).catch((error) => error);
    expect(failure instanceof ToolError || failure instanceof BuildError).toBe(true);
    expect(failure.message).toMatch(message);
    expect(await readdir(folder)).not.toContain("engine");
    await build();
    expect(await engineFiles(join(folder, "engine"))).toEqual(whole);
  });

  it("keeps the old engine where a new build fails", async () => {
    const { lock } = await build();
    await expect(
      build({ limits: { maxBatchSize: 8, maxSequenceTokens: 1024 } }, "half:fail"),
    ).rejects.toThrow(ToolError);
    expect(await engineFiles(join(folder, "engine"))).toEqual(whole);
    expect((await build()).lock).toEqual(lock);
  });

  it("ends a tool that hangs when it is aborted, and goes on behind the last stage", async () => {
    const controller = new AbortController();
    process.env.STAND_IN = "Build TensorRT engine:hang";
    const onEvent = (event: BuildEvent) => {
      if (event.kind === "progress" && event.message === "rank 0: weights loaded") controller.abort();
    };
    const running = buildEngine(config, { tools: standIns, onEvent, signal: controller.signal });
    await expect(running).rejects.toThrow(AbortedError);
    const { stages } = await build();
    expect(stages).toContain("checkpoint reused");
  });

  it("does not start when it is aborted before", async () => {
    await expect(build({}, "", AbortSignal.abort())).rejects.toThrow(AbortedError);
  });

  it("names a tool or a script that is not there", async () => {
    const missing = (tools: object) => buildEngine(config, { tools: { ...standIns, ...tools } });
    const unquantized = { ...config, quantization: {} };
    await expect(
      buildEngine(unquantized, { tools: { ...standIns, examples: folder } }),
    ).rejects.toMatchObject({ code: "ERR_TOOL_NOT_FOUND" });
    await expect(missing({ trtllmBuild: join(folder, "none") })).rejects.toMatchObject({
      code: "ERR_TOOL_NOT_FOUND",
    });
  });

  it("lets no second build into the same output, and the next once the first has ended", async () => {
    process.env.STAND_IN = "quantizing:hang";
    const controller = new AbortController();
    let loading = () => {};
    const started = new Promise<void>((resolve) => {
      loading = resolve;
    });
    const first = buildEngine(config, {
      tools: standIns,
      signal: controller.signal,
      onEvent: (event) => event.kind === "progress" && event.message.startsWith("calibrating") && loading(),
    });
    await started;
    const second = await build().catch((error) => error);
    expect(second).toBeInstanceOf(BuildLockedError);
    expect(second.message).toContain(`Process ${process.pid} builds here`);
    controller.abort();
    await expect(first).rejects.toThrow(AbortedError);
    await build();
  });

  it("does not replace what it has not made", async () => {
    await mkdir(join(folder, "engine"));
    await writeFile(join(folder, "engine/precious.txt"), "");
    await expect(build()).rejects.toThrow(ConfigError);
    expect(await readdir(join(folder, "engine"))).toEqual(["precious.txt"]);
  });

  it("says that the disk is full where it is ours to write", async () => {
    const small = join(folder, "small");
    await mkdir(small);
    // Engine and checkpoint fit into it, the tokenizer does not.
    await writeFile(join(folder, "model/tokenizer.json"), Buffer.alloc(1 << 20));
    const program = `mount -t tmpfs -o size=800k none ${small} && exec "$@"`;
    const command = [
      "-rm",
      "sh",
      "-c",
      program,
      "sh",
      ...builder({ ...config, output: join(small, "engine") }),
    ];
    const { stderr, exitCode } = await execa("unshare", command, { cwd: packageFolder, reject: false });
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/BuildError: No space is left on the disk/);
  });
});

describe("buildEngine, killed", () => {
  it("never leaves an output that is not whole, and resumes, whichever event it is killed at", async () => {
    const { stdout } = await execa(process.execPath, builder(config).slice(1), { cwd: packageFolder });
    // At every change of stage, in the middle of the build, at each file that is hashed, and before the output appears.
    const points = stdout.split("\n").filter((line) => {
      const event = JSON.parse(line) as BuildEvent;
      const writing = event.kind === "progress" && event.stage === "output";
      const middle = event.kind === "measure" && event.name === "weightBytes" && event.rank === 1;
      return event.kind === "stage" || writing || middle;
    });
    expect(points.length).toBeGreaterThan(12);
    for (const point of points) {
      await rm(join(folder, "engine.build"), { recursive: true });
      await rm(join(folder, "engine"), { recursive: true, force: true });
      const killed = await execa(process.execPath, builder(config, point).slice(1), {
        cwd: packageFolder,
        reject: false,
      });
      expect(killed.signal).toBe("SIGKILL");
      if ((await readdir(folder)).includes("engine"))
        expect(await engineFiles(join(folder, "engine"))).toEqual(whole);
      await build();
      expect(await engineFiles(join(folder, "engine"))).toEqual(whole);
    }
  });

  it.each(["half:kill-parent", "Serializing engine:kill-parent"])(
    "also in the middle of a file: %s",
    async (trouble) => {
      const env = { STAND_IN: trouble };
      const killed = await execa(process.execPath, builder(config).slice(1), {
        cwd: packageFolder,
        env,
        reject: false,
      });
      expect(killed.signal).toBe("SIGKILL");
      expect(await readdir(folder)).not.toContain("engine");
      await build();
      expect(await engineFiles(join(folder, "engine"))).toEqual(whole);
    },
  );
});

const packageFolder = fileURLToPath(new URL("../..", import.meta.url));

/** Command of a process that builds, and kills itself at this event. */
function builder(input: BuildConfigInput, killAt?: string): string[] {
  const program = ["--import", "tsx", "--conditions=@trtllm-node/source", "test/stand-in/build-program.ts"];
  return [process.execPath, ...program, JSON.stringify(input), ...(killAt === undefined ? [] : [killAt])];
}
