import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ToolError } from "../errors.ts";

/** Where the tools of a build are. */
export interface Toolchain {
  /** Python that has ModelOpt and gguf. Default: the one that `installModelOpt` made. */
  readonly modelOptPython?: string | undefined;
  /** Default: trtllm-build on the PATH. */
  readonly trtllmBuild?: string | undefined;
  /** Python that has tensorrt_llm, for convert_checkpoint.py. Default: python3 on the PATH. */
  readonly python?: string | undefined;
  /** TensorRT-LLM's examples. Default: where its containers have them. */
  readonly examples?: string | undefined;
}

/** In the release image, and in Triton's. */
const containerExamples = ["/app/tensorrt_llm/examples", "/app/examples"];

/** Absolute path of a script in the examples. */
export async function findScript({ examples }: Toolchain, script: string): Promise<string> {
  const folders = examples === undefined ? containerExamples : [examples];
  for (const folder of folders) {
    const path = join(folder, script);
    if (await stat(path).catch(() => undefined)) return path;
  }
  throw new ToolError({
    command: `${script} (looked for in ${folders.join(", ")})`,
    startError: "ENOENT",
    lastLines: [],
  });
}
