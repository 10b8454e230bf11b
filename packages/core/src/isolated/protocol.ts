// Mirror of native-shim/host/protocol.h.

export const commandKind = {
  create: 1,
  submit: 2,
  cancel: 3,
  shutdown: 4,
  loadLora: 5,
  unloadLora: 6,
} as const;
export const queryKind = {
  iterationStats: 1,
  tokenize: 2,
  tokenPieces: 3,
  requestStats: 4,
  kvEvents: 5,
} as const;

/** The longest payload and record. */
export const mostBytes = 64 * 1024 * 1024;

/** Status of a LOAD_FAILED record: the library itself could not be loaded. */
export const libraryFailed = -1;

const commandBytes = 16;
const queryBytes = 16;
export const replyBytes = 8;

export function command(kind: number, requestId = 0, ...payload: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(commandBytes);
  header.writeUInt32LE(byteLength(payload), 0);
  header.writeUInt32LE(kind, 4);
  header.writeBigUInt64LE(BigInt(requestId), 8);
  return Buffer.concat([header, ...payload]);
}

export function submitCommand(requestId: number, json: string, tokens: Int32Array): Buffer {
  const text = Buffer.from(json);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length, 0);
  const ids = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
  return command(commandKind.submit, requestId, length, text, ids);
}

export function query(kind: number, flags: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(queryBytes);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt32LE(kind, 4);
  header.writeUInt32LE(flags, 8);
  return Buffer.concat([header, payload]);
}

function byteLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.byteLength, 0);
}
