/** What fits on a GPU. Run: node --import tsx examples/plan-memory.ts <model> */
import { inspectModel, parseBuildConfig, planMemory, resolveBuildConfig } from "@trtllm-node/engine-builder";

const path = process.argv[2];
if (!path) throw new Error("Pass a Hugging Face model directory; its config.json is enough");

const model = await inspectModel(path);
for (const weights of ["none", "fp8"] as const) {
  const config = parseBuildConfig({
    model: path,
    output: "unused",
    gpu: "H100-SXM",
    quantization: { weights, kvCache: weights === "fp8" ? "fp8" : "auto" },
    limits: { maxBatchSize: 64, maxSequenceTokens: 8192 },
  });
  const { kv, stages, bounds } = planMemory(resolveBuildConfig(config, model), model);
  const gigabytes = (stages[0]?.weights.total ?? 0) / 1e9;
  console.log(
    `${weights}: ${gigabytes.toFixed(1)} GB of weights, ${kv.largestBatch} requests of 8192 tokens`,
  );
  console.log(`  at most ${Math.floor(bounds?.decodeOneRequest ?? 0)} tokens/s for one request`);
}
