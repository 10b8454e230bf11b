import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { llama8bConfig } from "./support/llama-config.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

async function run(example: string, ...args: string[]): Promise<string> {
  const command = ["--import", "tsx", "--conditions=@trtllm-node/source", `examples/${example}`, ...args];
  const { stdout, stderr } = await execa(process.execPath, command, { cwd: root });
  expect(stderr).toBe("");
  return stdout;
}

describe("examples of the engine builder", () => {
  it("plan-memory tells what fits in 16 and in 8 bits", async () => {
    const folder = await mkdtemp(join(tmpdir(), "plan-example-"));
    await writeFile(join(folder, "config.json"), JSON.stringify(llama8bConfig));
    const lines = (await run("plan-memory.ts", folder)).split("\n");
    await rm(folder, { recursive: true });
    expect(lines[0]).toMatch(/^none: 16\.1 GB of weights, \d+ requests of 8192 tokens$/);
    expect(lines[2]).toMatch(/^fp8: 9\.1 GB of weights, 64 requests of 8192 tokens$/);
  });
});
