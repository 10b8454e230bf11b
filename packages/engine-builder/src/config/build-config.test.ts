import { readFile } from "node:fs/promises";
import { ConfigError } from "@trtllm-node/core";
import Ajv from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { buildConfigJsonSchema, parseBuildConfig } from "./parse-build-config.ts";

const minimal = { model: "./model", output: "./engine" };

describe("parseBuildConfig", () => {
  it("needs no more than a model and an output", () => {
    expect(parseBuildConfig(minimal)).toMatchObject({
      release: "1.2",
      dtype: "auto",
      quantization: { weights: "none", kvCache: "auto", exclude: [] },
      parallel: { tensor: 1, pipeline: 1, context: 1, expert: 1 },
      limits: { maxBeamWidth: 1 },
      kvCache: { type: "paged", tokensPerBlock: 32 },
    });
  });

  it.each<[unknown, RegExp]>([
    [{ ...minimal, quantisation: {} }, /Unknown option "quantisation": did you mean "quantization"\?/],
    [{ ...minimal, parallel: { tensr: 2 } }, /Unknown option "parallel.tensr": did you mean "tensor"\?/],
    [{ ...minimal, quantization: { weights: "fp9" } }, /quantization\.weights is "fp9"\. .*"nvfp4"/],
    [{ ...minimal, parallel: { tensor: 0 } }, /parallel\.tensor is 0\. .*>=1/],
    [{ ...minimal, limits: { maxBatchSize: 1.5 } }, /limits\.maxBatchSize is 1\.5/],
    [{ output: "x" }, /model is undefined/],
    [null, /build configuration cannot be used/],
  ])("refuses %j and says what is wrong", (input, message) => {
    expect(() => parseBuildConfig(input)).toThrow(ConfigError);
    expect(() => parseBuildConfig(input)).toThrow(message);
  });

  it("names everything that is wrong at once", () => {
    const wrong = { ...minimal, parallel: { tensor: 0 }, limits: { maxBatchSize: -1 } };
    expect(() => parseBuildConfig(wrong)).toThrow(/parallel\.tensor.*limits\.maxBatchSize/);
  });
});

describe("build-config.schema.json", () => {
  it("is what the code says (npm run generate:build-schema brings it up to date)", async () => {
    const file = new URL("../../build-config.schema.json", import.meta.url);
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual(buildConfigJsonSchema());
  });

  it.each<[unknown, boolean]>([
    [minimal, true],
    [
      { ...minimal, quantization: { weights: "nvfp4", kvCache: "fp8", calibration: { dataset: "cnn" } } },
      true,
    ],
    [{ ...minimal, lora: { directories: ["a"], targetModules: ["attn_qkv"] }, preset: "latency" }, true],
    [{ ...minimal, speculative: { mode: "eagle", maxDraftTokens: 8 } }, true],
    [{ model: "m" }, false],
    [{ ...minimal, parallel: { tensor: 0 } }, false],
    [{ ...minimal, parallel: { tensr: 1 } }, false],
    [{ ...minimal, quantization: { weights: "fp9" } }, false],
    [{ ...minimal, lora: { directories: [] } }, false],
    [{ ...minimal, kvCache: { tokensPerBlock: "32" } }, false],
  ])("judges %j in an editor's validator as the code does: %s", (input, valid) => {
    const validate = new Ajv.default({ strict: false }).compile(buildConfigJsonSchema());
    expect(validate(input)).toBe(valid);
    if (valid) parseBuildConfig(input);
    else expect(() => parseBuildConfig(input)).toThrow(ConfigError);
  });
});
