import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@trtllm-node/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBuildConfigFile } from "./config-file.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "config-"));
});

afterAll(() => rm(folder, { recursive: true }));

async function read(name: string, text: string) {
  const path = join(folder, name);
  await writeFile(path, text);
  return readBuildConfigFile(path);
}

describe("readBuildConfigFile", () => {
  it("reads YAML and JSON alike, with paths relative to the file", async () => {
    const expected = { model: join(folder, "m"), output: "/engines/e", parallel: { tensor: 2 } };
    const yaml = "model: ./m\noutput: /engines/e\nparallel:\n  tensor: 2 # GPUs\n";
    expect(await read("a.yaml", yaml)).toEqual(expected);
    const json = { $schema: "./schema.json", model: "m", output: "/engines/e", parallel: { tensor: 2 } };
    expect(await read("a.json", JSON.stringify(json))).toEqual(expected);
  });

  it("finds calibration texts beside the file too", async () => {
    const { quantization } = await read(
      "c.yaml",
      "quantization: { calibration: { dataset: ./texts.jsonl } }\n",
    );
    expect(quantization).toEqual({ calibration: { dataset: join(folder, "texts.jsonl") } });
  });

  it.each([
    ["broken.yaml", "model: [", /cannot be parsed/],
    ["twice.yaml", "model: a\nmodel: b\n", /cannot be parsed/],
    ["broken.json", "{", /cannot be parsed/],
    ["list.yml", "- a\n", /holds no build configuration/],
    ["empty.yml", "", /holds no build configuration/],
    ["config.toml", "", /expected \.json, \.yaml or \.yml/],
  ])("refuses %s", async (name, text, message) => {
    await expect(read(name, text)).rejects.toThrow(ConfigError);
    await expect(read(name, text)).rejects.toThrow(message);
  });

  it("refuses a YAML that grows without end when it is unfolded", async () => {
    const level = (i: number) =>
      `l${i}: &l${i} [${Array(9)
        .fill(`*l${i - 1}`)
        .join(", ")}]`;
    const bomb = ["l0: &l0 [x, x, x]", ...Array.from({ length: 9 }, (_, i) => level(i + 1))].join("\n");
    await expect(read("bomb.yaml", bomb)).rejects.toThrow(/cannot be parsed.*alias/i);
  });

  it("says that a file is not there", async () => {
    await expect(readBuildConfigFile(join(folder, "none.yaml"))).rejects.toThrow(/none\.yaml cannot be read/);
  });
});
