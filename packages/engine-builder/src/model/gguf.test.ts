import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gguf } from "@huggingface/gguf";
import fc from "fast-check";
import koffi from "koffi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelPath } from "../../../../test/support/model.ts";
import { GgufBytes } from "../../test/gguf-file.ts";
import { ModelError } from "../errors.ts";
import { ggmlTypes } from "./ggml-types.ts";
import { readGgufHeader } from "./gguf.ts";
import { inspectModel } from "./inspect-model.ts";

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gguf-"));
  path = join(folder, "model.gguf");
});

afterAll(() => rm(folder, { recursive: true }));

async function read(bytes: Buffer) {
  await writeFile(path, bytes);
  return readGgufHeader(path);
}

describe("readGgufHeader", () => {
  it.each(["Q4_0", "Q4_1", "Q8_0"] as const)(
    "agrees with Hugging Face's parser on SmolLM2 in %s",
    async (type) => {
      const ours = await readGgufHeader(modelPath(type));
      const theirs = await gguf(modelPath(type), { allowLocalFile: true });
      const sorted = [...ours.tensors].sort((a, b) => a.offset - b.offset);
      const start = sorted[0]?.offset ?? 0;
      expect(sorted.map(({ name, shape, offset }) => [name, [...shape].reverse(), offset - start])).toEqual(
        theirs.tensorInfos
          .toSorted((a, b) => Number(a.offset - b.offset))
          .map(({ name, shape, offset }) => [name, shape.map(Number), Number(offset)]),
      );
      const { version, tensor_count, kv_count, ...metadata } = theirs.metadata as Record<string, unknown>;
      expect([...ours.metadata.keys()].sort()).toEqual(Object.keys(metadata).sort());
      for (const [key, value] of Object.entries(metadata)) {
        const read = ours.metadata.get(key);
        if (Array.isArray(value)) expect(read).toMatchObject({ length: value.length });
        else expect(read).toEqual(value);
      }
    },
  );

  it("knows the size of every type as ggml itself does", () => {
    const library = "../../../../node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libggml-base.so";
    const ggml = koffi.load(fileURLToPath(new URL(library, import.meta.url)));
    const blockElements = ggml.func("int64_t ggml_blck_size(int type)");
    const blockBytes = ggml.func("size_t ggml_type_size(int type)");
    const typeName = ggml.func("const char *ggml_type_name(int type)");
    for (const [number, type] of ggmlTypes) {
      expect(type).toMatchObject({ blockElements: blockElements(number), blockBytes: blockBytes(number) });
      expect(type.name.toLowerCase()).toBe(typeName(number).toLowerCase());
    }
  });

  it("describes SmolLM2", async () => {
    expect(await inspectModel(modelPath("Q8_0"))).toMatchObject({
      ...{ format: "gguf", architecture: "llama", parameterCount: 134_515_008, tiedEmbeddings: true },
      ...{ layers: 30, hiddenSize: 576, intermediateSize: 1536, vocabularySize: 49_152, maxPositions: 8192 },
      attention: { kind: "gqa", heads: 9, kvHeads: 3, headSize: 64 },
      quantization: { method: "Q8_0" },
      tensorRtLlm: { supported: false },
    });
  });

  const sound = () => new GgufBytes(3, 1, 1).entry("general.architecture", "llama").tensor("a", [8, 2], 0, 0);

  it("turns the stored order of dimensions round", async () => {
    const { tensors } = await read(sound().bytes(64));
    expect(tensors).toMatchObject([{ name: "a", shape: [2, 8], dtype: "F32", bytes: 64 }]);
  });

  it.each<[string, Buffer, RegExp]>([
    ["is empty", Buffer.alloc(0), /it ends where 4 more/],
    ["is something else", Buffer.from("PK\x03\x04 and more of it"), /it is no GGUF/],
    ["has version 1", new GgufBytes(1, 0, 0).bytes(), /version 1/],
    ["is big-endian", new GgufBytes(0x03000000, 0, 0).bytes(), /little-endian/],
    ["claims 2^60 tensors", new GgufBytes(3, 2n ** 60n, 0).bytes(), /claims a size of/],
    ["claims a billion tensors", new GgufBytes(3, 1e9, 0).bytes(), /claims 1000000000 tensors/],
    ["claims a billion entries", new GgufBytes(3, 0, 1e9).bytes(), /claims 1000000000 metadata entries/],
    ["claims a key of 4 GB", new GgufBytes(3, 0, 1).u64(2 ** 32).bytes(), /claims 4294967296 bytes of text/],
    ["ends within a text", new GgufBytes(3, 0, 1).u64(500).raw("abc").bytes(), /it ends where 500 more/],
    ["has a key twice", new GgufBytes(3, 0, 2).entry("a", 1).entry("a", 2).bytes(), /"a" twice/],
    ["has a value of an unknown type", new GgufBytes(3, 0, 1).text("a").u32(13).bytes(), /unknown type 13/],
    [
      "has arrays in arrays",
      new GgufBytes(3, 0, 1).text("a").u32(9).u32(9).u64(1).bytes(64),
      /array of the unknown type 9/,
    ],
    [
      "claims an array longer than itself",
      new GgufBytes(3, 0, 1)
        .text("a")
        .u32(9)
        .u32(4)
        .u64(2n ** 52n)
        .bytes(),
      /it ends where/,
    ],
    [
      "claims a billion texts",
      new GgufBytes(3, 0, 1).text("a").u32(9).u32(8).u64(1e9).bytes(),
      /1000000000 strings/,
    ],
    ["has an alignment of 0", new GgufBytes(3, 0, 1).entry("general.alignment", 0).bytes(), /alignment is 0/],
    [
      "has five dimensions",
      new GgufBytes(3, 1, 0).tensor("a", [1, 1, 1, 1, 1], 0, 0).bytes(),
      /5 dimensions/,
    ],
    [
      "has a tensor of an unknown type",
      new GgufBytes(3, 1, 0).tensor("a", [8], 99, 0).bytes(),
      /unknown type 99/,
    ],
    [
      "has a row that its type cannot store",
      new GgufBytes(3, 1, 0).tensor("a", [33], 8, 0).bytes(99),
      /rows of 33/,
    ],
    [
      "has a tensor off its alignment",
      new GgufBytes(3, 1, 0).tensor("a", [8], 0, 8).bytes(64),
      /not aligned/,
    ],
    ["ends before its data", sound().bytes(63), /ends behind the file/],
    [
      "has a size that overflows",
      new GgufBytes(3, 1, 0).tensor("a", [2 ** 52, 2 ** 52], 0, 0).bytes(),
      /ends behind the file/,
    ],
    [
      "has tensors that overlap",
      new GgufBytes(3, 2, 0).tensor("a", [16], 0, 0).tensor("b", [8], 0, 32).bytes(64),
      /tensor b overlaps/,
    ],
    [
      "has a tensor twice",
      new GgufBytes(3, 2, 0).tensor("a", [8], 0, 0).tensor("a", [8], 0, 32).bytes(64),
      /tensor a twice/,
    ],
  ])("refuses a file that %s", async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toMatchObject({
      code: "ERR_MODEL_CORRUPT",
      message: expect.stringMatching(message),
    });
  });

  it("says what a sound file does not tell", async () => {
    await writeFile(path, sound().bytes(64));
    await expect(inspectModel(path)).rejects.toMatchObject({
      code: "ERR_MODEL_UNSUPPORTED",
      message: expect.stringContaining("llama.attention.head_count"),
    });
  });

  it("takes any damage either as a ModelError or as a file whose tensors lie inside it", async () => {
    const bytes = sound().bytes(64);
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 65), fc.nat(255)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(damage, fc.nat(bytes.length), async (changes, length) => {
        const damaged = Buffer.from(bytes);
        for (const [at, value] of changes) damaged[at] = value;
        const cut = damaged.subarray(0, length);
        const header = await read(cut).catch((error) => {
          if (ModelError.isInstance(error)) return undefined;
          throw error;
        });
        for (const { offset, bytes } of header?.tensors ?? [])
          expect(offset + bytes).toBeLessThanOrEqual(cut.length);
      }),
      { numRuns: 300 },
    );
  });
});
