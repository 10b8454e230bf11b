/**
 * Builds an FP8 and an NVFP4 engine of a Hugging Face model for the embedded executor, and generates with both.
 * Needs what `trtllm-node doctor --fix` installs.
 *
 * usage: build-engine.ts MODEL_DIRECTORY TEXTS [OUTPUT_DIRECTORY]
 */
import { join } from "node:path";
import { buildEngine } from "@trtllm-node/engine-builder";
import { LLM } from "@trtllm-node/runtime";

const [model, dataset, output = "engines"] = process.argv.slice(2);
if (model === undefined || dataset === undefined)
  throw new Error("Name a model and texts to calibrate with.");

for (const weights of ["fp8", "nvfp4"] as const) {
  const start = performance.now();
  const engine = await buildEngine(
    {
      model,
      output: join(output, weights),
      target: "embedded",
      quantization: { weights, calibration: { dataset, samples: 16 } },
    },
    {
      onEvent: (event) => {
        if (event.kind === "stage") console.log(`${weights}: ${event.stage} ${event.state}`);
      },
    },
  );
  const seconds = Math.round((performance.now() - start) / 1000);
  await using llm = await LLM.load(engine.output);
  const { text } = await llm.generate("The capital of France is", { maxTokens: 16 });
  console.log(`${weights}: ${seconds} s, ${llm.engine.weightBytes} bytes, says:${text}`);
}
