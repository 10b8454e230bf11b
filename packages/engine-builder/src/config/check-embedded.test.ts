import { ConfigError } from "@trtllm-node/core";
import { expect, it } from "vitest";
import { llama8b, modelOf, resolve } from "../../test/plan-model.ts";
import type { BuildConfigInput } from "./build-config.ts";

const model = modelOf(llama8b);

it.each<[Partial<BuildConfigInput>, RegExp]>([
  [{ gpu: "L4" }, /gpu is "L4".*setting of TensorRT-LLM/],
  [{ plugins: { gemm: "auto" } }, /plugins is/],
  [{ quantization: { kvCache: "fp8" } }, /kvCache is "fp8".*Nearest valid value: "auto"/],
  [{ quantization: { weights: "int8-weight-only" } }, /"int8-weight-only".*not turned into a GGUF/],
  [{ parallel: { context: 2 } }, /parallel\.context is 2.*one device/],
  [{ limits: { maxBeamWidth: 2 } }, /maxBeamWidth is 2/],
  [{ limits: { maxInputTokens: 5 } }, /maxInputTokens is 5/],
  [{ kvCache: { type: "continuous" } }, /kvCache\.type/],
])("refuses what an embedded engine does not have: %j", (input, message) => {
  expect(() => resolve(model, { target: "embedded", ...input })).toThrow(ConfigError);
  expect(() => resolve(model, { target: "embedded", ...input })).toThrow(message);
});

it("refuses a model that is not turned into a GGUF", () => {
  const qwen = modelOf(llama8b, { architecture: "Qwen2ForCausalLM", family: "qwen2" });
  expect(() => resolve(qwen, { target: "embedded" })).toThrow(/model is.*Qwen2ForCausalLM/);
});

it("takes quantizations that no GPU is given for", () => {
  const config = resolve(model, { target: "embedded", quantization: { weights: "nvfp4" } });
  expect(config.quantization.weights).toBe("nvfp4");
});
