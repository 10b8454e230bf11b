import { fileURLToPath } from "node:url";

/** Absolute path of one of this package's Python programs. */
export function pythonProgram(name: "quantize.py" | "to_gguf.py" | "requirements.txt"): string {
  return fileURLToPath(new URL(`../python/${name}`, import.meta.url));
}
