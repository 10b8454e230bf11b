import { FileWindow } from "./file-window.ts";
import { ggmlTypes } from "./ggml-types.ts";
import { elementCount, type TensorHeader } from "./tensor-header.ts";

export type GgufValue = number | bigint | boolean | string | GgufArray;

/** `values` holds numbers of short arrays; what is long or text, such as the vocabulary, is only counted. */
export interface GgufArray {
  readonly length: number;
  readonly values: readonly number[] | undefined;
}

export interface GgufHeader {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly TensorHeader[];
}

/** Real files stay far below; a damaged or hostile one ends here and not in an endless loop. */
const limits = {
  keyBytes: 65_535,
  stringBytes: 1 << 24,
  entries: 65_536,
  tensors: 1 << 20,
  strings: 1 << 22,
  kept: 4096,
};
const maxDimensions = 4;

/** The format's value types by number. */
const scalars: ReadonlyMap<
  number,
  { readonly bytes: number; read(from: Buffer): number | bigint | boolean }
> = new Map([
  [0, { bytes: 1, read: (from: Buffer) => from.readUInt8() }],
  [1, { bytes: 1, read: (from: Buffer) => from.readInt8() }],
  [2, { bytes: 2, read: (from: Buffer) => from.readUInt16LE() }],
  [3, { bytes: 2, read: (from: Buffer) => from.readInt16LE() }],
  [4, { bytes: 4, read: (from: Buffer) => from.readUInt32LE() }],
  [5, { bytes: 4, read: (from: Buffer) => from.readInt32LE() }],
  [6, { bytes: 4, read: (from: Buffer) => from.readFloatLE() }],
  [7, { bytes: 1, read: (from: Buffer) => from.readUInt8() !== 0 }],
  [10, { bytes: 8, read: (from: Buffer) => from.readBigUInt64LE() }],
  [11, { bytes: 8, read: (from: Buffer) => from.readBigInt64LE() }],
  [12, { bytes: 8, read: (from: Buffer) => from.readDoubleLE() }],
]);
const stringType = 8;
const arrayType = 9;

/**
 * Metadata and tensors of a GGUF file, version 2 or 3. Reads the header only.
 * Source of the format: ggml/docs/gguf.md.
 * @throws ModelError where the header is damaged, or tensors overlap or lie outside the file
 */
export async function readGgufHeader(path: string): Promise<GgufHeader> {
  await using file = await FileWindow.open(path);
  if ((await file.take(4)).toString("latin1") !== "GGUF") throw file.corrupt("it is no GGUF file");
  const version = await file.u32();
  if (version !== 2 && version !== 3) {
    throw file.corrupt(`it has version ${version}; versions 2 and 3 in little-endian are known`);
  }
  const tensorCount = await count(file, "tensors", limits.tensors);
  const entryCount = await count(file, "metadata entries", limits.entries);

  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < entryCount; i++) {
    const key = await text(file, limits.keyBytes);
    if (metadata.has(key)) throw file.corrupt(`it has ${JSON.stringify(key)} twice`);
    metadata.set(key, await value(file, await file.u32()));
  }
  return { version, metadata, tensors: await tensors(file, tensorCount, alignment(file, metadata)) };
}

async function value(file: FileWindow, type: number): Promise<GgufValue> {
  if (type === stringType) return text(file, limits.stringBytes);
  if (type === arrayType) return array(file);
  const scalar = scalars.get(type);
  if (scalar === undefined) throw file.corrupt(`it has a value of the unknown type ${type}`);
  return scalar.read(await file.take(scalar.bytes));
}

async function array(file: FileWindow): Promise<GgufArray> {
  const type = await file.u32();
  const length = await file.u64();
  if (type === stringType) {
    if (length > limits.strings) throw file.corrupt(`it has an array of ${length} strings`);
    for (let i = 0; i < length; i++) file.skip(await file.u64());
    return { length, values: undefined };
  }
  const scalar = scalars.get(type);
  if (scalar === undefined) throw file.corrupt(`it has an array of the unknown type ${type}`);
  if (length > limits.kept) {
    file.skip(length * scalar.bytes);
    return { length, values: undefined };
  }
  const bytes = await file.take(length * scalar.bytes);
  const values = Array.from({ length }, (_, i) => Number(scalar.read(bytes.subarray(i * scalar.bytes))));
  return { length, values };
}

async function text(file: FileWindow, maxBytes: number): Promise<string> {
  const bytes = await count(file, "bytes of text", maxBytes);
  return (await file.take(bytes)).toString("utf8");
}

async function count(file: FileWindow, what: string, max: number): Promise<number> {
  const claimed = await file.u64();
  if (claimed > max) throw file.corrupt(`it claims ${claimed} ${what}`);
  return claimed;
}

function alignment(file: FileWindow, metadata: ReadonlyMap<string, GgufValue>): number {
  const given = metadata.get("general.alignment") ?? 32;
  if (typeof given !== "number" || given < 1 || !Number.isInteger(Math.log2(given))) {
    throw file.corrupt(`its alignment is ${given}, not a power of 2`);
  }
  return given;
}

async function tensors(file: FileWindow, tensorCount: number, align: number): Promise<TensorHeader[]> {
  const headers: TensorHeader[] = [];
  const names = new Set<string>();
  for (let i = 0; i < tensorCount; i++) {
    const header = await tensor(file);
    if (header.offset % align !== 0)
      throw file.corrupt(`tensor ${header.name} is not aligned to ${align} bytes`);
    if (names.has(header.name)) throw file.corrupt(`it has tensor ${header.name} twice`);
    names.add(header.name);
    headers.push(header);
  }
  const dataStart = Math.ceil(file.position / align) * align;
  const placed = headers.map((header) => ({ ...header, offset: dataStart + header.offset }));
  placed.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  placed.reduce((free, { name, offset, bytes }) => {
    if (offset < free) throw file.corrupt(`tensor ${name} overlaps another`);
    if (offset + bytes > file.size) throw file.corrupt(`tensor ${name} ends behind the file`);
    return offset + bytes;
  }, dataStart);
  return placed;
}

/** Offset from the start of the data, still. */
async function tensor(file: FileWindow): Promise<TensorHeader> {
  const name = await text(file, limits.keyBytes);
  const dimensions = await file.u32();
  if (dimensions > maxDimensions) throw file.corrupt(`tensor ${name} claims ${dimensions} dimensions`);
  const shape: number[] = [];
  for (let i = 0; i < dimensions; i++) shape.unshift(await file.u64());
  const number = await file.u32();
  const type = ggmlTypes.get(number);
  if (type === undefined) throw file.corrupt(`tensor ${name} has the unknown type ${number}`);
  const rows = shape.at(-1) ?? 1;
  if (rows % type.blockElements !== 0) {
    throw file.corrupt(`tensor ${name} has rows of ${rows} elements, which ${type.name} cannot store`);
  }
  const bytes = (elementCount(shape) / type.blockElements) * type.blockBytes;
  return { name, dtype: type.name, shape, offset: await file.u64(), bytes };
}
