import { z } from "zod";
import { FileWindow } from "./file-window.ts";
import { elementCount, type TensorHeader } from "./tensor-header.ts";

/** Limit of the reference implementation. */
const maxHeaderBytes = 100_000_000;
const lengthBytes = 8;
/** The first bytes of "version https://git-lfs.github.com/spec/v1". */
const gitLfsPointer = "version ";

/** Bits of an element. Source: the safetensors crate, enum Dtype. */
const dtypeBits: Readonly<Record<string, number>> = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  U16: 16,
  I16: 16,
  F16: 16,
  BF16: 16,
  U32: 32,
  I32: 32,
  F32: 32,
  U64: 64,
  I64: 64,
  F64: 64,
  C64: 64,
};

const size = z.int().min(0);
const headerSchema = z.record(
  z.string(),
  z.object({ dtype: z.string(), shape: z.array(size).max(16), data_offsets: z.tuple([size, size]) }),
);

/**
 * The tensors of one safetensors file, in the order of their data. Reads the header only.
 * @throws ModelError where the header is no header, or does not cover the file's data exactly, as the format demands
 */
export async function readSafetensorsHeader(path: string): Promise<TensorHeader[]> {
  await using file = await FileWindow.open(path);
  const length = await file.take(lengthBytes);
  if (length.toString("latin1") === gitLfsPointer) {
    throw file.corrupt("it is a Git LFS pointer and not the file itself (git lfs pull fetches it)");
  }
  const headerBytes = Number(length.readBigUInt64LE());
  if (headerBytes > Math.min(maxHeaderBytes, file.size - lengthBytes)) {
    throw file.corrupt(`its header claims ${headerBytes} bytes, more than the file or the format allows`);
  }
  const text = (await file.take(headerBytes)).toString("utf8");
  const parsed = headerSchema.safeParse(withoutMetadata(text));
  if (!parsed.success) throw file.corrupt("its header is not the JSON of a safetensors file");

  const dataStart = lengthBytes + headerBytes;
  const headers = Object.entries(parsed.data).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => {
      const bits = dtypeBits[dtype];
      if (bits === undefined) throw file.corrupt(`tensor ${name} has the unknown type ${dtype}`);
      const bytes = (elementCount(shape) * bits) / 8;
      if (to - from !== bytes) {
        throw file.corrupt(
          `tensor ${name} of shape [${shape}] in ${dtype} takes ${bytes} bytes, not ${to - from}`,
        );
      }
      return { name, dtype, shape, offset: dataStart + from, bytes };
    },
  );
  headers.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  const end = headers.reduce((expected, { name, offset, bytes }) => {
    if (offset !== expected) throw file.corrupt(`tensor ${name} overlaps another or leaves a gap`);
    return offset + bytes;
  }, dataStart);
  if (end !== file.size) throw file.corrupt(`its tensors end at byte ${end}`);
  return headers;
}

function withoutMetadata(text: string): unknown {
  try {
    const header = JSON.parse(text);
    if (typeof header !== "object" || header === null) return undefined;
    const { __metadata__: _, ...entries } = header;
    return entries;
  } catch {
    return undefined;
  }
}
