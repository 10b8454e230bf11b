import fc from "fast-check";
import { expect, test } from "vitest";
import { blocksFor, kvBytesPerSequence, kvBytesPerToken } from "./kv-bytes.ts";
import { kvCapacity, kvWhatIf, sequencesThatFit } from "./kv-capacity.ts";
import { type KvLayout, type KvPrecision, kvPrecisionBits } from "./kv-layout.ts";
import { sequenceWaste } from "./sequence-waste.ts";

const llama8b: KvLayout = { layers: 32, kvHeads: 8, headSize: 128, precision: "float16" };

test.each([
  // What their publishers or servers say of a token in 16 bits.
  ["Llama 2 7B (MHA)", { ...llama8b, kvHeads: 32 }, 512 * 1024],
  ["Llama 3 8B (GQA)", llama8b, 128 * 1024],
  ["Llama 3 8B in FP8", { ...llama8b, precision: "fp8" }, 64 * 1024],
  ["Falcon 7B (MQA)", { layers: 32, kvHeads: 1, headSize: 64, precision: "bfloat16" }, 8 * 1024],
  [
    "DeepSeek V3 (MLA)",
    { layers: 61, kvHeads: 128, headSize: 128, latent: { rank: 512, ropeSize: 64 }, precision: "bfloat16" },
    70_272,
  ],
] satisfies [string, KvLayout, number][])("A token of %s takes its bytes.", (_, layout, bytes) => {
  expect(kvBytesPerToken(layout)).toBe(bytes);
});

test("Heads are shared by ranks and repeated where there are more ranks, a latent is on every rank.", () => {
  const per = (tensorParallel: number, layout = llama8b) => kvBytesPerToken({ ...layout, tensorParallel });
  expect([1, 2, 8, 16].map((ranks) => per(ranks))).toEqual([131_072, 65_536, 16_384, 16_384]);
  const latent = { ...llama8b, latent: { rank: 512, ropeSize: 64 } };
  expect(per(8, latent)).toBe(per(1, latent));
});

test("Layers with a sliding window stop growing at the window.", () => {
  // Gemma 3 27B: 62 layers, of which every sixth sees everything.
  const gemma: KvLayout = {
    layers: 62,
    kvHeads: 16,
    headSize: 128,
    precision: "bfloat16",
    slidingWindow: { tokens: 1024, layers: 52 },
  };
  const short = kvBytesPerSequence(gemma, 1024, 32);
  expect(short).toBe(1024 * kvBytesPerToken(gemma));
  const growth = kvBytesPerSequence(gemma, 8192, 32) - short;
  expect(growth).toBe(((8192 - 1024) * kvBytesPerToken(gemma) * 10) / 62);
});

const layouts = fc.record({
  layers: fc.integer({ min: 1, max: 100 }),
  kvHeads: fc.constantFrom(1, 4, 8, 32),
  headSize: fc.constantFrom(64, 80, 128, 256),
  precision: fc.constantFrom(...(Object.keys(kvPrecisionBits) as KvPrecision[])),
  tensorParallel: fc.constantFrom(1, 2, 8),
});

test("What fits does fit, and one more does not.", () => {
  const pool = fc.integer({ min: 0, max: 2 ** 36 });
  const tokens = fc.integer({ min: 1, max: 200_000 });
  fc.assert(
    fc.property(
      layouts,
      pool,
      tokens,
      fc.constantFrom(16, 32, 64),
      (layout, bytes, length, tokensPerBlock) => {
        const { bytesPerToken, blocks, tokens: held } = kvCapacity(layout, bytes, tokensPerBlock);
        expect(held * bytesPerToken).toBeLessThanOrEqual(bytes);
        expect((blocks + 1) * tokensPerBlock * bytesPerToken).toBeGreaterThan(bytes);
        const sequences = sequencesThatFit(layout, bytes, length, tokensPerBlock);
        expect(sequences * blocksFor(length, tokensPerBlock)).toBeLessThanOrEqual(blocks);
        expect((sequences + 1) * blocksFor(length, tokensPerBlock)).toBeGreaterThan(blocks);
      },
    ),
  );
});

test("What if: a row for every combination, and half the bytes hold twice the tokens.", () => {
  const rows = kvWhatIf(llama8b, {
    poolBytes: 40 * 2 ** 30,
    tokensPerBlock: 32,
    sequenceTokens: [2048, 8192],
    precisions: ["float16", "fp8"],
    tensorParallel: [1, 2],
  });
  expect(rows).toHaveLength(8);
  expect(rows[0]).toEqual({
    precision: "float16",
    tensorParallel: 1,
    sequenceTokens: 2048,
    bytesPerToken: 131_072,
    blocks: 10_240,
    tokens: 327_680,
    bytesPerSequence: 2 ** 28,
    sequences: 160,
  });
  const row = (precision: KvPrecision, tensorParallel: number) =>
    rows.find((each) => each.precision === precision && each.tensorParallel === tensorParallel)!;
  expect(row("fp8", 2).tokens).toBe(4 * row("float16", 1).tokens);
});

test("A limit beyond the traffic's p99 costs requests that could run.", () => {
  const lengths = Array.from({ length: 2000 }, (_, index) =>
    index < 1990 ? 999 - (index % 2) * 500 : 30_000,
  );
  const traffic = { lengths, maxSequenceTokens: 32_768, poolBytes: 40 * 2 ** 30, tokensPerBlock: 32 };
  const waste = sequenceWaste(llama8b, traffic);
  expect(waste).toMatchObject({ p99: 999, longest: 30_000, enough: true, refusedAtP99: 10 / 2000 });
  expect(waste.tokensBeyondP99).toBe(32_768 - 999);
  expect(waste.bytesBeyondP99).toBe((32_768 - 1024) * 131_072);
  expect([waste.sequencesAtLimit, waste.sequencesAtP99]).toEqual([10, 320]);
  const fitting = sequenceWaste(llama8b, { ...traffic, maxSequenceTokens: 512 });
  expect([fitting.tokensBeyondP99, fitting.bytesBeyondP99]).toEqual([0, 0]);
  expect(sequenceWaste(llama8b, { ...traffic, lengths: [5] }).enough).toBe(false);
  expect(() => sequenceWaste(llama8b, { ...traffic, lengths: [] })).toThrow(/lengths is empty/);
});
