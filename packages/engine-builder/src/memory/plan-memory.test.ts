import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, TrtllmError } from "@trtllm-node/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeModel } from "../../test/model-files.ts";
import { llama8b, modelOf, resolve } from "../../test/plan-model.ts";
import type { BuildConfigInput } from "../config/build-config.ts";
import { inspectModel } from "../model/inspect-model.ts";
import { gpu, gpuNames } from "./gpus.ts";
import { planMemory } from "./plan-memory.ts";

const model = modelOf(llama8b);
const llama70b = modelOf({ ...llama8b, layers: 80, hidden: 8192, intermediate: 28_672, heads: 64 });

function plan(input: Partial<BuildConfigInput>, of = model) {
  return planMemory(resolve(of, { gpu: "H100-SXM", limits: { maxSequenceTokens: 8192 }, ...input }), of);
}

describe("planMemory", () => {
  it("gives the KV bytes per token that TensorRT-LLM's formula gives for Llama 3 8B", () => {
    expect(plan({}).kvBytesPerToken).toBe(131_072);
    expect(plan({ quantization: { weights: "fp8", kvCache: "fp8" } }).kvBytesPerToken).toBe(65_536);
    const fp4 = plan({ gpu: "B200", quantization: { weights: "nvfp4", kvCache: "nvfp4" } });
    expect(fp4.kvBytesPerToken).toBe((131_072 / 16) * 4.5);
  });

  it("counts the bytes that the files of an unquantized checkpoint have", async () => {
    const folder = await mkdtemp(join(tmpdir(), "plan-"));
    try {
      for (const shape of [llama8b, { ...llama8b, tied: true }]) {
        const checkpoint = await inspectModel(await writeModel(folder, shape));
        expect(plan({}, checkpoint).stages[0]?.weights.total).toBe(checkpoint.weightBytes);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  // Files that ModelOpt 0.37.0 exported of a model of SmolLM2-135M's shape (bfloat16, tied) at tensor 3 × pipeline 2.
  it.each([
    ["none", "H100-SXM", 54_310_120, 54_311_408],
    ["fp8", "H100-SXM", 36_637_932, 36_639_356],
    ["nvfp4", "B200", 28_900_688, 28_902_112],
    ["int8-smoothquant", "H100-SXM", 36_864_844, 36_866_492],
  ] as const)("comes within 1 %% of the rank files that ModelOpt exports: %s", (weights, on, first, last) => {
    const shape = { layers: 30, hidden: 576, intermediate: 1536, heads: 9, kvHeads: 3, headSize: 64 };
    const smol = modelOf({ ...shape, vocabulary: 49_152, tied: true });
    const { stages } = plan(
      { gpu: on, quantization: { weights }, parallel: { tensor: 3, pipeline: 2 } },
      smol,
    );
    for (const [stage, size] of [first, last].entries()) {
      expect(Math.abs((stages[stage]?.weights.total ?? 0) / size - 1)).toBeLessThan(0.01);
    }
  });

  it("repeats key and value heads where there are more ranks than heads", () => {
    const per = (tensor: number) => plan({ parallel: { tensor } }).stages[0]?.kvBytesPerToken;
    expect([1, 2, 8, 16].map(per)).toEqual([131_072, 65_536, 16_384, 16_384]);
  });

  it("stores one latent vector per layer with MLA", () => {
    const attention = { ...model.attention, kind: "mla" as const, latent: { rank: 512, ropeSize: 64 } };
    expect(plan({}, { ...model, attention }).kvBytesPerToken).toBe(32 * (512 + 64) * 2);
  });

  it.each([
    ["none", 16],
    ["fp8", 8],
    ["int8-smoothquant", 8],
    ["int4-awq", 4],
  ] as const)("stores the matrices of %s in %i bits and leaves table and head alone", (weights, bits) => {
    const [stage] = plan({ quantization: { weights } }).stages;
    const matrices = 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14_336);
    expect((stage?.weights.layers ?? 0) / ((matrices * bits) / 8)).toBeCloseTo(1, 1);
    expect(stage?.weights.embedding).toBe(2 * 128_256 * 4096);
    expect(stage?.weights.head).toBe(2 * 128_256 * 4096);
  });

  it("divides weights and KV cache over pipeline stages without losing a byte", () => {
    const one = plan({}).stages[0]?.weights.total ?? 0;
    for (const pipeline of [2, 3, 5]) {
      const { stages, kvBytesPerToken } = plan({ parallel: { pipeline } });
      expect(stages.reduce((sum, stage) => sum + stage.layers, 0)).toBe(32);
      expect(stages.reduce((sum, stage) => sum + stage.weights.total, 0)).toBeCloseTo(one, 0);
      expect(kvBytesPerToken).toBe(131_072);
    }
  });

  it("says that 70 billion parameters in 16 bits need two H100 at least, and in FP8 one", () => {
    const alone = plan({}, llama70b);
    expect(alone.fits).toBe(false);
    expect(alone.bounds).toBeUndefined();
    expect(alone.advice[0]).toMatch(/exceed the 80,000,000,000 bytes of H100-SXM by [\d,]+ bytes/);
    expect(plan({ parallel: { tensor: 4 } }, llama70b).fits).toBe(true);
    expect(
      plan(
        { quantization: { weights: "fp8" }, limits: { maxBatchSize: 8, maxSequenceTokens: 4096 } },
        llama70b,
      ).stages[0]?.weights.total,
    ).toBeLessThan(80e9);
  });

  it("fits what it says that fits", () => {
    const input = fc.record({
      tensor: fc.constantFrom(1, 2, 4, 8),
      maxBatchSize: fc.integer({ min: 1, max: 1024 }),
      maxSequenceTokens: fc.integer({ min: 64, max: 131_072 }),
      name: fc.constantFrom("L4" as const, "A100-40GB" as const, "H100-SXM" as const, "B200" as const),
    });
    fc.assert(
      fc.property(input, ({ tensor, maxBatchSize, maxSequenceTokens, name }) => {
        const {
          stages,
          kv,
          gpu: on,
        } = plan({
          gpu: name,
          parallel: { tensor },
          limits: { maxBatchSize, maxSequenceTokens },
        });
        for (const { weights, working, kvPool, kvBytesPerToken } of stages) {
          expect(kv.poolTokens * kvBytesPerToken).toBeLessThanOrEqual(kvPool);
          if (kvPool > 0) expect(weights.total + working.total + kvPool).toBeLessThanOrEqual(on.memoryBytes);
        }
        expect(kv.largestBatch * maxSequenceTokens).toBeLessThanOrEqual(kv.poolTokens);
        expect(kv.largestContextOfFullBatch * maxBatchSize).toBeLessThanOrEqual(kv.poolTokens);
        expect(kv.largestContext).toBeLessThanOrEqual(131_072);
      }),
    );
  });

  it("bounds decoding by reading every weight once: 3.35 TB/s over 8 GB in FP8", () => {
    const { bounds, stages } = plan({
      quantization: { weights: "fp8", kvCache: "fp8" },
      limits: { maxSequenceTokens: 32, maxBatchSize: 1 },
    });
    const [stage] = stages;
    const read = (stage?.weights.total ?? 0) - (stage?.weights.embedding ?? 0) + 32 * 65_536;
    expect(bounds?.decodeOneRequest).toBeCloseTo(3.35e12 / read, 6);
  });

  it("reads only the experts that are used", () => {
    const mixture = modelOf(
      { ...llama8b, vocabulary: 32_000, experts: { count: 8, intermediate: 14_336 } },
      { architecture: "MixtralForCausalLM", family: "mixtral" },
    );
    const on = { gpu: "B200" as const, limits: { maxSequenceTokens: 32, maxBatchSize: 64 } };
    const ratio = (plan(on, mixture).bounds?.decodeOneRequest ?? 0) * (46.7e9 * 2);
    // 12.9 of Mixtral's 46.7 billion parameters work on a token.
    expect(ratio / gpu("B200").memoryBandwidth).toBeCloseTo(46.7 / 12.9, 0);
  });

  it("tells what a long context wastes, in bytes", () => {
    const { advice, kv } = plan({ limits: { maxBatchSize: 256, maxSequenceTokens: 131_072 } });
    const useful = kv.largestContextOfFullBatch;
    const saved = 20 * 256 * (131_072 - useful);
    expect(advice.join("\n")).toContain(`All 256 fit up to ${useful.toLocaleString("en")} tokens each`);
    expect(advice.join("\n")).toContain(`frees about ${saved.toLocaleString("en")} bytes`);
    const lowered = plan({ limits: { maxBatchSize: 256, maxSequenceTokens: useful } });
    const buffers = (of: typeof lowered) => of.stages[0]?.working.buffers ?? 0;
    expect(
      buffers(plan({ limits: { maxBatchSize: 256, maxSequenceTokens: 131_072 } })) - buffers(lowered),
    ).toBe(saved);
    expect(lowered.kv.largestBatch).toBe(256);
  });

  it("advises a smaller KV type, more requests, fewer tokens a step where that helps", () => {
    expect(plan({ limits: { maxBatchSize: 512 } }).advice.join()).toMatch(/kvCache fp8 halves/);
    expect(plan({ limits: { maxBatchSize: 2, maxSequenceTokens: 1024 } }).advice.join()).toMatch(
      /raise it up to \d/,
    );
    expect(plan({ limits: { maxNumTokens: 65_536 } }).advice.join()).toMatch(/maxNumTokens above 16,384/);
  });

  it("takes a GPU that the table does not have", () => {
    const mine = { ...gpu("H100-SXM"), name: "half an H100", memoryBytes: 40e9 };
    const config = resolve(model, { limits: { maxSequenceTokens: 8192 } });
    expect(planMemory(config, model, { gpu: mine }).kv.poolTokens).toBeLessThan(plan({}).kv.poolTokens);
  });

  it("asks for a GPU, a sensible fraction and a model whose parameters can be told", () => {
    const config = resolve(model, {});
    expect(() => planMemory(config, model)).toThrow(ConfigError);
    expect(() => planMemory(config, model, { gpu: gpu("L4"), kvCacheFraction: 0 })).toThrow(
      /kvCacheFraction is 0/,
    );
    const unknown = { ...model, weights: undefined };
    expect(() => planMemory(config, unknown, { gpu: gpu("L4") })).toThrow(TrtllmError);
  });
});

describe("the table of GPUs", () => {
  it.each(gpuNames)("gives %s only what its generation has", (name) => {
    const { sm, fp8Flops, fp4Flops, fp16Flops, source, memoryBytes } = gpu(name);
    expect(fp8Flops !== undefined).toBe(sm >= 89);
    expect(fp4Flops !== undefined).toBe(sm >= 100);
    if (fp8Flops !== undefined) expect(fp8Flops / fp16Flops).toBeCloseTo(2, 0);
    expect(memoryBytes).toBeGreaterThanOrEqual(24e9);
    expect(source).toContain("NVIDIA");
  });
});
