import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nativeShim } from "../setup/paths.mjs";

/** @typedef {{ name: string, size: number, offset: number }} Field */
/** @typedef {{ size: number, fields: readonly Field[] }} Struct */

const header = readFileSync(join(nativeShim, "include/trtllm_shim.h"), "utf8").replace(/\/\*.*?\*\//gs, "");

/** Every function's prototype by name, on one line. */
export const prototypes = byFunctionName(
  [...header.matchAll(/TRTLLM_API ([^;#]+\));/g)].map(([, text = ""]) =>
    text.replace(/\s+/g, " ").replace("( ", "("),
  ),
);

/** Every numeric constant by name. */
export const constants = Object.fromEntries(
  [...header.matchAll(/^#define (TRTLLM_\w+) (\d+)u?\s*$/gm)].map(([, name, value]) => [name, Number(value)]),
);

/** @type {Readonly<Record<string, number>>} */
const scalarBytes = { trtllm_status: 4, char: 1, uint8_t: 1, uint16_t: 2, uint32_t: 4, uint64_t: 8 };

/** Every struct by name, laid out as the C compiler does: each field at a multiple of its scalar's size. */
export const structs = Object.fromEntries(
  [...header.matchAll(/typedef struct (\w+)\s*\{(.*?)\}/gs)].map(([, name, body = ""]) => [
    name,
    layout(body),
  ]),
);

/** @param {readonly string[]} list */
export function byFunctionName(list) {
  return Object.fromEntries(list.map((text) => [text.match(/(\w+)\(/)?.[1], text]));
}

/**
 * The constants that begin with a prefix, by the rest of their name in camelCase.
 * @param {string} prefix
 */
export function constantsNamed(prefix) {
  const chosen = Object.entries(constants).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(chosen.map(([name, value]) => [camelCase(name.slice(prefix.length)), value]));
}

/** @param {string} name */
function camelCase(name) {
  return name.toLowerCase().replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
}

/**
 * @param {string} body
 * @returns {Struct}
 */
function layout(body) {
  const fields = [];
  let end = 0;
  let alignment = 1;
  for (const [, type = "", name = "", length] of body.matchAll(/(\w+) (\w+)(?:\[(\w+)\])?;/g)) {
    const scalar = scalarBytes[type];
    if (scalar === undefined)
      throw new Error(`trtllm_shim.h: the size of type ${type} is unknown to this script`);
    const size = scalar * (length === undefined ? 1 : constants[length]);
    const offset = Math.ceil(end / scalar) * scalar;
    fields.push({ name, size, offset });
    end = offset + size;
    alignment = Math.max(alignment, scalar);
  }
  return { size: Math.ceil(end / alignment) * alignment, fields };
}
