import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { safetensorsHeader, withLength } from "../../test/model-files.ts";
import { ModelError } from "../errors.ts";
import { readSafetensorsHeader } from "./safetensors.ts";

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "safetensors-"));
  path = join(folder, "model.safetensors");
});

afterAll(() => rm(folder, { recursive: true }));

async function read(bytes: Buffer) {
  await writeFile(path, bytes);
  return readSafetensorsHeader(path);
}

/** A file with this header and `dataBytes` of data. */
function file(header: unknown, dataBytes: number): Buffer {
  return Buffer.concat([withLength(JSON.stringify(header)), Buffer.alloc(dataBytes)]);
}

function f32(from: number, to: number, shape = [(to - from) / 4]) {
  return { dtype: "F32", shape, data_offsets: [from, to] };
}

describe("readSafetensorsHeader", () => {
  it("lists tensors in the order of their data", async () => {
    const header = { __metadata__: { format: "pt" }, b: f32(8, 16), a: f32(0, 8), scalar: f32(16, 20, []) };
    const tensors = await read(file(header, 20));
    expect(tensors.map(({ name, bytes }) => [name, bytes])).toEqual([
      ["a", 8],
      ["b", 8],
      ["scalar", 4],
    ]);
    expect(tensors[0]?.offset).toBe(8 + Buffer.byteLength(JSON.stringify(header)));
  });

  it("takes an empty file of no tensors and a tensor of no elements", async () => {
    expect(await read(file({}, 0))).toEqual([]);
    expect(await read(file({ empty: f32(0, 0, [0, 4]) }, 0))).toMatchObject([{ name: "empty", bytes: 0 }]);
  });

  it.each<[string, Buffer, RegExp]>([
    ["is empty", Buffer.alloc(0), /it ends where 8 more bytes/],
    ["ends in its length", Buffer.from("1234"), /it ends where 8 more bytes/],
    ["claims a header of 2^64 - 1 bytes", Buffer.alloc(16, 0xff), /its header claims/],
    [
      "claims a header longer than itself",
      Buffer.concat([withLength("{}").subarray(0, 9)]),
      /its header claims/,
    ],
    ["is a Git LFS pointer", Buffer.from("version https://git-lfs.github.com/spec/v1\n"), /Git LFS pointer/],
    ["has no JSON", withLength("{nonsense"), /not the JSON/],
    ["has JSON that is no object", withLength("7"), /not the JSON/],
    ["has text for a shape", file({ a: { ...f32(0, 4), shape: "1" } }, 4), /not the JSON/],
    ["has a negative size", file({ a: f32(0, 4, [-1]) }, 4), /not the JSON/],
    ["has a size beyond 2^53", file({ a: f32(0, 4, [2 ** 60]) }, 4), /not the JSON/],
    ["has a shape whose product overflows", file({ a: f32(0, 4, [2 ** 50, 2 ** 50]) }, 4), /takes .* bytes/],
    ["has an unknown type", file({ a: { ...f32(0, 4), dtype: "F5" } }, 4), /unknown type F5/],
    ["has a tensor that runs backwards", file({ a: f32(4, 0) }, 4), /not the JSON|takes/],
    ["has offsets that do not fit the shape", file({ a: f32(0, 8, [1]) }, 8), /takes 4 bytes, not 8/],
    ["has tensors that overlap", file({ a: f32(0, 8), b: f32(4, 12) }, 12), /tensor b overlaps/],
    ["has two tensors in one place", file({ a: f32(0, 8), b: f32(0, 8) }, 8), /tensor b overlaps/],
    ["has a gap", file({ a: f32(0, 4), b: f32(8, 12) }, 12), /tensor b overlaps another or leaves a gap/],
    ["has a gap at the beginning", file({ a: f32(4, 8) }, 8), /leaves a gap/],
    ["ends before its data", file({ a: f32(0, 8) }, 7), /its tensors end at byte/],
    ["goes on after its data", file({ a: f32(0, 8) }, 9), /its tensors end at byte/],
  ])("refuses a file that %s", async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toMatchObject({
      code: "ERR_MODEL_CORRUPT",
      message: expect.stringMatching(message),
    });
  });

  it("takes any damage either as a ModelError or as a file whose tensors lie inside it", async () => {
    const { header, dataBytes } = safetensorsHeader({
      "a.weight": { dtype: "BF16", shape: [4, 8] },
      "b.weight": { dtype: "F32", shape: [3] },
    });
    const sound = Buffer.concat([header, Buffer.alloc(dataBytes)]);
    const damage = fc.array(fc.tuple(fc.nat(header.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(damage, fc.nat(sound.length), async (changes, length) => {
        const bytes = Buffer.from(sound);
        for (const [at, value] of changes) bytes[at] = value;
        const cut = bytes.subarray(0, length);
        const tensors = await read(cut).catch((error) => {
          if (ModelError.isInstance(error)) return [];
          throw error;
        });
        for (const { offset, bytes } of tensors) expect(offset + bytes).toBeLessThanOrEqual(cut.length);
      }),
      { numRuns: 300 },
    );
  });
});
