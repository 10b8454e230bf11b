import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { libraryInfo } from "@trtllm-node/core";
import { execa } from "execa";
import type { Quantization } from "./model.ts";

const python = fileURLToPath(new URL("../../.cache/openvino-genai", import.meta.url));
const script = fileURLToPath(new URL("../reference/continuous_batching.py", import.meta.url));

/** False where the native library was set up without OpenVINO. */
export async function hasOpenVino(): Promise<boolean> {
  const { libraries } = await libraryInfo();
  return libraries.some(({ name }) => name === "openvino");
}

/** Absolute path of an engine directory with the test model's OpenVINO IR and its GGUF; throws where there is none. */
export function openVinoEngine(quantization: Quantization = "Q4_1"): string {
  const path = fileURLToPath(new URL(`../../.cache/models/openvino/${quantization}`, import.meta.url));
  if (!existsSync(path)) throw new Error(`The engine ${path} is missing. Make it: npm run setup`);
  return path;
}

export interface GenAiTask {
  /** Directory with OpenVINO IR and OpenVINO GenAI's tokenizer. */
  readonly model: string;
  readonly prompts: readonly (readonly number[])[];
  readonly newTokens: number;
  /** All at once, or one after the other. */
  readonly together: boolean;
  /** Most tokens in a step. */
  readonly maxNumTokens: number;
  readonly prefixCaching: boolean;
  readonly warmUp: boolean;
}

export interface GenAiAnswer {
  readonly tokens: readonly (readonly number[])[];
  readonly seconds: number;
  readonly timeToFirstTokenSeconds: readonly number[];
}

/** What OpenVINO GenAI's continuous batching generates, greedily and past end tokens. */
export async function runOpenVinoGenAi(task: GenAiTask): Promise<GenAiAnswer> {
  const { stdout } = await execa("python3", [script, JSON.stringify(task)], { env: { PYTHONPATH: python } });
  return JSON.parse(stdout) as GenAiAnswer;
}
