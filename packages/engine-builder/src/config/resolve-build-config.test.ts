import { ConfigError } from "@trtllm-node/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { llama8b, modelOf, resolve } from "../../test/plan-model.ts";
import type { BuildConfigInput } from "./build-config.ts";

const model = modelOf(llama8b);
const mixture = modelOf(
  { ...llama8b, experts: { count: 8, intermediate: 14_336 } },
  { architecture: "MixtralForCausalLM", family: "mixtral" },
);

type Case = [string, Partial<BuildConfigInput>, RegExp];

const parallel: Case[] = [
  [
    "heads that do not divide",
    { parallel: { tensor: 3 } },
    /parallel\.tensor is 3.*32 attention heads.*value: 2\./,
  ],
  ["layers that do not suffice", { parallel: { pipeline: 40 } }, /pipeline is 40.*32 layers.*value: 32\./],
  [
    "unequal stages that ModelOpt does not export",
    { parallel: { pipeline: 3 }, quantization: { weights: "fp8" } },
    /pipeline is 3.*equal size.*value: 2\./,
  ],
  [
    "context parts that do not divide the heads",
    { parallel: { tensor: 4, context: 3 } },
    /context is 3.*value: 2\./,
  ],
  [
    "experts of a model without",
    { parallel: { tensor: 2, expert: 2 } },
    /expert is 2.*no experts.*value: 1\./,
  ],
];

const limits: Case[] = [
  [
    "a prompt longer than a sequence",
    { limits: { maxInputTokens: 4096, maxSequenceTokens: 2048 } },
    /maxInputTokens is 4096.*value: 2048\./,
  ],
  [
    "more tokens a step than there can be",
    { limits: { maxBatchSize: 2, maxSequenceTokens: 512, maxNumTokens: 4096 } },
    /maxNumTokens is 4096.*value: 1024\./,
  ],
  ["a step smaller than a block", { limits: { maxNumTokens: 16 } }, /maxNumTokens is 16.*value: 32\./],
  [
    "prompts that fit no step",
    { attention: { pagedContext: false }, limits: { maxInputTokens: 4096, maxNumTokens: 2048 } },
    /maxNumTokens is 2048.*value: 4096\./,
  ],
  ["blocks that are no power of 2", { kvCache: { tokensPerBlock: 48 } }, /tokensPerBlock is 48.*value: 64\./],
  [
    "a step too small for the draft tokens",
    {
      speculative: { mode: "medusa", maxDraftTokens: 63 },
      limits: { maxBatchSize: 128, maxNumTokens: 4096 },
    },
    /maxNumTokens is 4096.*draft.*value: 8192\./,
  ],
];

const quantization: Case[] = [
  [
    "FP8 on Ampere",
    { gpu: "A100-80GB", quantization: { weights: "fp8" } },
    /compute capability 8\.0\).*"int8-/,
  ],
  ["NVFP4 on Hopper", { gpu: "H100-SXM", quantization: { weights: "nvfp4" } }, /H100-SXM.*value: "int4-/],
  ["INT4 on Blackwell", { gpu: "B200", quantization: { weights: "int4-awq" } }, /B200.*value: "nvfp4"/],
  [
    "an FP8 KV cache on Ampere",
    { gpu: "A100-40GB", quantization: { kvCache: "fp8" } },
    /kvCache.*value: "int8"/,
  ],
  ["GPTQ out of nothing", { quantization: { weights: "int4-gptq" } }, /GPTQ weights are made before/],
  ["groups where there are none", { quantization: { weights: "fp8", groupSize: 64 } }, /groupSize is 64/],
  [
    "smoothing where there is none",
    { quantization: { weights: "fp8", smoothing: 0.5 } },
    /smoothing is 0\.5/,
  ],
  ["a quantized head in INT4", { quantization: { weights: "int4-awq", quantizeHead: true } }, /quantizeHead/],
  ["exclusions from nothing", { quantization: { exclude: ["*"] } }, /exclude is \["\*"\].*value: \[\]/],
  [
    "calibration of what is not calibrated",
    { quantization: { weights: "int8-weight-only", calibration: { dataset: "d" } } },
    /calibration is "d".*not calibrated/,
  ],
];

const features: Case[] = [
  [
    "paged prompts with an INT8 KV cache",
    { quantization: { kvCache: "int8" }, attention: { pagedContext: true } },
    /pagedContext is true.*value: false/,
  ],
  ["paged prompts without a paged cache", { kvCache: { type: "continuous" } }, /pagedContext.*not paged/],
  ["FP8 attention of FP16 weights", { attention: { fp8: true } }, /attention\.fp8.*weights must be fp8/],
  [
    "an FP8 plugin of FP16 weights",
    { plugins: { lowLatencyGemm: "fp8" } },
    /lowLatencyGemm is "fp8".*value: "disable"/,
  ],
  [
    "the Hopper plugin on Ada",
    { gpu: "L40S", quantization: { weights: "fp8" }, plugins: { gemmSwiglu: "fp8" } },
    /gemmSwiglu.*Hopper only/,
  ],
  [
    "a fused reduction on one GPU",
    { plugins: { reduceFusion: true } },
    /reduceFusion.*tensor is 1.*value: false/,
  ],
  ["user buffers alone", { plugins: { userBuffer: true } }, /userBuffer.*reduceFusion/],
  [
    "Mixtral's plugin for Llama",
    { plugins: { pipelineReduceScatter: true } },
    /for Mixtral, not for LlamaForCausalLM/,
  ],
  [
    "EAGLE with many requests",
    { speculative: { mode: "eagle", maxDraftTokens: 3 }, limits: { maxBatchSize: 1024 } },
    /maxBatchSize is 1024.*EAGLE.*value: 512/,
  ],
  [
    "logits of prompts with draft tokens",
    { speculative: { mode: "medusa", maxDraftTokens: 3 }, logits: { gatherContext: true } },
    /gatherContext is true.*value: false/,
  ],
];

describe("resolveBuildConfig", () => {
  it.each([...parallel, ...limits, ...quantization, ...features])("refuses %s", (_, input, message) => {
    expect(() => resolve(model, input)).toThrow(ConfigError);
    expect(() => resolve(model, input)).toThrow(message);
  });

  it("refuses experts that do not divide, and takes them where they do", () => {
    const experts = (expert: number, tensor: number) => () =>
      resolve(mixture, { parallel: { tensor, expert } });
    expect(experts(3, 8)).toThrow(/expert is 3.*value: 2\./);
    expect(experts(4, 2)).toThrow(/expert is 4.*value: 2\./);
    expect(experts(4, 8)).not.toThrow();
    const both = () => resolve(mixture, { parallel: { tensor: 2, context: 2, expert: 2 } });
    expect(both).toThrow(/together with context parallelism/);
  });

  it("refuses groups that a tensor parallel rank would cut through", () => {
    const narrow = modelOf({ ...llama8b, hidden: 2048, heads: 16, intermediate: 5632 });
    const awq = { quantization: { weights: "int4-awq" as const } };
    expect(() => resolve(narrow, { ...awq, parallel: { tensor: 8 } })).toThrow(/group of 128.*value: 4\./);
    expect(() => resolve(narrow, { ...awq, parallel: { tensor: 4 } })).not.toThrow();
  });

  it("refuses models that TensorRT-LLM does not build, with the reason", () => {
    const other = modelOf(llama8b, { architecture: "Llama4ForCausalLM" });
    expect(() => resolve(other, {})).toThrow(/no TensorRT engine for Llama4ForCausalLM/);
  });

  it("refuses to quantize what is quantized", () => {
    const quantized = { ...model, quantization: { method: "awq", bits: 4, groupSize: 128 } };
    expect(() => resolve(quantized, { quantization: { weights: "fp8" } })).toThrow(
      /quantized already \(awq\)/,
    );
  });

  it("suggests tensor sizes that it takes itself", () => {
    const shape = fc.record({
      kvHeads: fc.integer({ min: 1, max: 8 }),
      perKvHead: fc.integer({ min: 1, max: 8 }),
      headSize: fc.constantFrom(64, 128),
      intermediate: fc.integer({ min: 1, max: 64 }).map((blocks) => blocks * 256),
    });
    fc.assert(
      fc.property(
        shape,
        fc.integer({ min: 1, max: 64 }),
        ({ kvHeads, perKvHead, headSize, intermediate }, tensor) => {
          const heads = kvHeads * perKvHead;
          const hidden = heads * headSize;
          const any = modelOf({
            layers: 4,
            hidden,
            intermediate,
            heads,
            kvHeads,
            headSize,
            vocabulary: 1024,
          });
          try {
            resolve(any, { parallel: { tensor } });
          } catch (error) {
            const [, suggested] = (error as Error).message.match(/Nearest valid value: (\d+)\./) ?? [];
            expect(Number(suggested)).toBeGreaterThan(0);
            resolve(any, { parallel: { tensor: Number(suggested) } });
          }
        },
      ),
    );
  });

  it("fills in what the model decides", () => {
    const { limits, attention } = resolve(model, {});
    expect(limits).toEqual({
      maxBatchSize: 256,
      maxInputTokens: 131_072,
      maxSequenceTokens: 131_072,
      maxNumTokens: 8192,
      maxBeamWidth: 1,
    });
    expect(attention).toEqual({ fused: true, pagedContext: true, fp8: false });
  });

  it("turns on what FP8 makes possible and off what an INT8 KV cache forbids", () => {
    expect(resolve(model, { quantization: { weights: "fp8", kvCache: "fp8" } }).attention.fp8).toBe(true);
    const int8 = resolve(model, { quantization: { kvCache: "int8" }, limits: { maxInputTokens: 10_000 } });
    expect(int8.attention.pagedContext).toBe(false);
    expect(int8.limits.maxNumTokens).toBe(10_000);
  });

  it("lets the presets differ, and the configuration win over them", () => {
    const batch = (preset: "latency" | "throughput" | "memory") =>
      resolve(model, { preset }).limits.maxBatchSize;
    expect([batch("latency"), batch("memory"), batch("throughput")]).toEqual([8, 16, 512]);
    expect(resolve(model, { preset: "memory" }).limits.maxSequenceTokens).toBe(8192);
    const mine = resolve(model, {
      preset: "throughput",
      limits: { maxBatchSize: 7 },
      multipleProfiles: false,
    });
    expect(mine.limits.maxBatchSize).toBe(7);
    expect(mine.multipleProfiles).toBe(false);
    expect(resolve(model, { preset: "throughput", parallel: { tensor: 2 } }).plugins).toMatchObject({
      gemm: "auto",
      reduceFusion: true,
    });
  });
});
