import { describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { modelPath } from "../support/model.ts";

describe("trtllm-node inspect", () => {
  it("describes a model to people", async () => {
    const { exitCode, stdout, stderr } = await runCli(["inspect", modelPath()]);
    expect(stdout).toMatch(/^architecture +llama \(llama\), gguf$/m);
    expect(stdout).toMatch(/^parameters +134,515,008$/m);
    expect(stdout).toMatch(/^attention +GQA, 9 heads, 3 for keys and values, of 64$/m);
    expect(stdout).toMatch(/^TensorRT-LLM +no\. .*safetensors/m);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });

  it("describes it to programs", async () => {
    const { stdout } = await runCli(["inspect", modelPath(), "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ format: "gguf", layers: 30, parameterCount: 134_515_008 });
  });

  it("names what is wrong in one line", async () => {
    const { exitCode, stdout, stderr } = await runCli(["inspect", "no-such-model"]);
    expect(stderr).toMatch(/^error \[ERR_MODEL_NOT_FOUND\]: .*no-such-model.*$/);
    expect(stdout).toBe("");
    expect(exitCode).toBe(1);
  });
});
