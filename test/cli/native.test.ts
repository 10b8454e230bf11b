import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { writeTensorrtEngine } from "../support/tensorrt-engine.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "native-"));
});

afterAll(() => rm(folder, { recursive: true }));

describe("trtllm-node native build", () => {
  it("says how to get TensorRT-LLM where there is none", async () => {
    const { exitCode, stderr } = await runCli(["native", "build", "--python", join(folder, "no-python")]);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("python3 -m pip install tensorrt_llm==1.2.1");
  });

  it("refuses a release without engines before it builds anything, and says where to go", async () => {
    const root = join(folder, "tensorrt_llm");
    await mkdir(root);
    await writeFile(join(root, "version.py"), '__version__ = "1.3.0"\n');
    const { exitCode, stderr } = await runCli(["native", "build", "--root", root]);
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/✗ TensorRT-LLM +1\.3\.0 .*\n +→ trtllm-serve/);
    expect(stderr).not.toContain("$ cmake");
  });
});

describe("trtllm-node native launch-line", () => {
  it("prints how the processes of an engine are started", async () => {
    const engine = await writeTensorrtEngine(join(folder, "engine"), { mapping: { tp_size: 2, pp_size: 2 } });
    const { stdout } = await runCli(["native", "launch-line", engine]);
    expect(stdout).toMatch(/trtllm-host launch mpirun -n 4 \S+trtllm-host rank \S+\.so$/);
  });
});

describe("trtllm-node doctor", () => {
  it("tells what an installed TensorRT-LLM has and lacks", async () => {
    const { stdout, exitCode } = await runCli(["doctor", "--root", join(folder, "tensorrt_llm")]);
    expect(stdout).toMatch(/– TensorRT-LLM library +no libs\/libtensorrt_llm\.so in .*\n +→ python3 -m pip/);
    expect(exitCode).toBe(0); // the embedded executor needs none of it
  });
});
