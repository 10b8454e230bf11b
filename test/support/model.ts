import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type Quantization = "Q4_0" | "Q4_1" | "Q8_0";

/** Absolute path of the test model, SmolLM2-135M-Instruct; throws where setup has not fetched it. */
export function modelPath(quantization: Quantization = "Q4_1"): string {
  const name = `SmolLM2-135M-Instruct.${quantization}.gguf`;
  const path = fileURLToPath(new URL(`../../.cache/models/${name}`, import.meta.url));
  if (!existsSync(path)) throw new Error(`The test model ${path} is missing. Fetch it: npm run setup`);
  return path;
}
