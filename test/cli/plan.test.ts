import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { llama8bConfig } from "../support/llama-config.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "trtllm-node-plan-"));
  await writeFile(join(folder, "config.json"), JSON.stringify(llama8bConfig));
});

afterAll(() => rm(folder, { recursive: true }));

describe("trtllm-node plan", () => {
  const limits = ["--max-batch-size", "64", "--max-sequence-tokens", "8192"];

  it("tells people where the memory goes", async () => {
    const { exitCode, stdout, stderr } = await runCli(["plan", folder, "--gpu", "H100-SXM", ...limits]);
    expect(stdout).toMatch(/^GPUs +1 × H100-SXM, 74\.5 GiB each$/m);
    expect(stdout).toMatch(/^weights +15\.0 GiB on each GPU$/m);
    expect(stdout).toMatch(/^KV cache +[\d,]+ tokens, 128\.0 KiB per token/m);
    expect(stdout).toMatch(/^largest batch +\d+ of 64 requests at 8,192 tokens$/m);
    expect(stdout).toMatch(/→ quantization\.kvCache fp8 halves the KV cache/);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });

  it("tells programs, from a configuration file, over which flags win", async () => {
    const file = join(folder, "build.yaml");
    await writeFile(
      file,
      "model: .\noutput: ./engine\ngpu: L40S\nparallel: { tensor: 4 }\nlimits: { maxBatchSize: 8 }\n",
    );
    const { stdout } = await runCli([
      "plan",
      "--config",
      file,
      "--gpu",
      "H200-SXM",
      "--max-batch-size",
      "16",
      "--json",
    ]);
    const plan = JSON.parse(stdout);
    expect(plan).toMatchObject({ gpuCount: 4, gpu: { name: "H200-SXM" }, limits: { maxBatchSize: 16 } });
  });

  it("names field, rule and nearest value of what cannot be", async () => {
    const { exitCode, stderr } = await runCli(["plan", folder, "--gpu", "H100-SXM", "--tensor", "3"]);
    expect(stderr).toMatch(
      /^error \[ERR_INVALID_CONFIG\]: parallel\.tensor is 3, but .* Nearest valid value: 2\.$/,
    );
    expect(exitCode).toBe(1);
  });

  it("asks for a model and for a GPU", async () => {
    expect((await runCli(["plan"])).stderr).toMatch(/Name a model/);
    expect((await runCli(["plan", folder])).stderr).toMatch(/No GPU is given/);
  });
});
