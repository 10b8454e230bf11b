import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { modelPath } from "../support/model.ts";

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "trtllm-node-bundle-"));
  await mkdir(at("engine"));
  await copyFile(modelPath(), at("engine/model.gguf"));
});

afterAll(() => rm(folder, { recursive: true }));

describe("trtllm-node pack, verify and unpack", () => {
  it("carry an engine that answers as before", async () => {
    const packed = await runCli(["pack", at("engine"), at("engine.tar"), "--compression", "none"]);
    expect(packed.stdout).toMatch(/engine\.tar: 1 files, \d+ bytes, for embedded$/);
    expect((await runCli(["verify", at("engine.tar")])).exitCode).toBe(0);
    expect((await runCli(["unpack", at("engine.tar"), at("unpacked")])).exitCode).toBe(0);
    const { stdout } = await runCli([
      "generate",
      at("unpacked"),
      "The capital of France is",
      "--max-tokens",
      "8",
    ]);
    expect(stdout).toContain("Paris");
  });

  it("name the file that is not what it should be", async () => {
    const bytes = await readFile(at("engine.tar"));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(at("damaged.tar"), bytes);
    for (const command of [
      ["verify", at("damaged.tar")],
      ["unpack", at("damaged.tar"), at("none")],
    ]) {
      const { exitCode, stderr } = await runCli(command);
      expect(stderr).toMatch(
        /^error \[ERR_BUNDLE_INVALID\]: .*model\.gguf is not what its engine\.lock\.json says\.$/,
      );
      expect(exitCode).toBe(1);
    }
  });
});
