import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { heard, runCli } from "../support/cli.ts";
import { llama8bConfig } from "../support/llama-config.ts";

// Stand-ins for NVIDIA's tools: they take the same arguments and write files of the same names.
const standIn = (name: string) =>
  fileURLToPath(new URL(`../../packages/engine-builder/test/stand-in/${name}`, import.meta.url));
const tools = ["--trtllm-build", standIn("trtllm-build"), "--examples", standIn("examples")];
let folder: string;
let model: string;
let output: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "trtllm-node-build-"));
  model = await mkdtemp(join(folder, "model-"));
  output = join(folder, "engine");
  await writeFile(join(model, "config.json"), JSON.stringify(llama8bConfig));
});

afterAll(() => rm(folder, { recursive: true }));

describe("trtllm-node build, on stand-ins for NVIDIA's tools", () => {
  it("prints the commands and runs nothing with --dry-run", async () => {
    const { stdout, exitCode } = await runCli(["build", model, output, "--tensor", "2", "--dry-run"]);
    const [convert, build] = stdout.split("\n");
    expect(convert).toMatch(/^python3 \/app\/.*convert_checkpoint\.py --model_dir .* --tp_size 2/);
    expect(build).toMatch(/^trtllm-build --checkpoint_dir .* --max_seq_len 131072/);
    expect(exitCode).toBe(0);
    expect(await readdir(folder)).not.toContain("engine");
  });

  it("builds, telling how it goes on stderr, and prints where the engine is", async () => {
    const { stdout, stderr, exitCode } = await runCli(["build", model, output, ...tools]);
    expect(stdout).toBe(output);
    expect(stderr).toMatch(
      /^source started\n[\s\S]*\ncheckpoint started\n\$ python3 [\s\S]*\noutput finished/,
    );
    expect(exitCode).toBe(0);
    expect(await readdir(output)).toEqual(["config.json", "engine.lock.json", "rank0.engine"]);
  });

  it("prints the lock file for programs, and does nothing that is done", async () => {
    const { stdout, stderr } = await runCli(["build", model, output, "--json", ...tools]);
    expect(JSON.parse(stdout)).toMatchObject({ formatVersion: 1, target: { version: "1.2.1" } });
    expect(stderr).toContain("engine reused");
  });

  it("names the tool that is not there", async () => {
    const { stderr, exitCode } = await runCli(["build", model, join(folder, "other")]);
    expect(stderr).toMatch(/error \[ERR_TOOL_NOT_FOUND\]: .*convert_checkpoint\.py .*is not there/);
    expect(exitCode).toBe(1);
  });

  it("stops at Ctrl-C with exit code 130, and leaves no output", async () => {
    const env = { STAND_IN: "Build TensorRT engine:hang" };
    const child = runCli(["build", model, join(folder, "stopped"), "--verbose", ...tools], { env });
    await heard(child.stderr, /Total time to initialize the weights/);
    child.kill("SIGINT");
    expect((await child).exitCode).toBe(130);
    expect(await readdir(folder)).not.toContain("stopped");
  });
});
