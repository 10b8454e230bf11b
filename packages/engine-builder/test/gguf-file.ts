/** Writes the header of a GGUF piece by piece, sound or not. */
export class GgufBytes {
  readonly #pieces: Buffer[] = [];

  constructor(version: number, tensors: number | bigint, entries: number | bigint) {
    this.raw("GGUF").u32(version).u64(tensors).u64(entries);
  }

  raw(bytes: string | Buffer): this {
    this.#pieces.push(Buffer.from(bytes as string));
    return this;
  }

  u32(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return this.raw(bytes);
  }

  u64(value: number | bigint): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return this.raw(bytes);
  }

  text(value: string): this {
    return this.u64(Buffer.byteLength(value)).raw(value);
  }

  /** A metadata entry. */
  entry(key: string, value: string | number): this {
    this.text(key);
    return typeof value === "string" ? this.u32(8).text(value) : this.u32(4).u32(value);
  }

  /** @param shape fastest dimension first, as the format stores it */
  tensor(name: string, shape: readonly (number | bigint)[], type: number, offset: number | bigint): this {
    this.text(name).u32(shape.length);
    for (const size of shape) this.u64(size);
    return this.u32(type).u64(offset);
  }

  /** Everything so far, padded to the data section, and `dataBytes` zeros. */
  bytes(dataBytes = 0): Buffer {
    const header = Buffer.concat(this.#pieces);
    return Buffer.concat([header, Buffer.alloc(-header.length & 31), Buffer.alloc(dataBytes)]);
  }
}
