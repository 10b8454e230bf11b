import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Executor } from "@trtllm-node/core";
import { inspectModel, parseBuildConfig, planMemory, resolveBuildConfig } from "@trtllm-node/engine-builder";
import { describe, expect, it } from "vitest";
import { modelPath } from "./support/model.ts";

/** config.json of SmolLM2-135M, which the test model was converted from. */
const smolLm2 = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  torch_dtype: "bfloat16",
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  vocab_size: 49_152,
  max_position_embeddings: 8192,
  tie_word_embeddings: true,
};

describe("the plan and what the embedded executor really allocates", () => {
  it.each(["Q4_0", "Q8_0"] as const)("agree on SmolLM2 in %s", async (type) => {
    await using executor = await Executor.create(modelPath(type));
    const file = await inspectModel(modelPath(type));
    expect(Math.abs(file.weightBytes / executor.engine.weightBytes - 1)).toBeLessThan(0.03);
    expect(file.parameterCount).toBe(executor.engine.parameterCount);

    const folder = await mkdtemp(join(tmpdir(), "plan-"));
    await writeFile(join(folder, "config.json"), JSON.stringify(smolLm2));
    const model = await inspectModel(folder);
    await rm(folder, { recursive: true });
    const config = parseBuildConfig({ model: folder, output: "unused", gpu: "L4" });
    const plan = planMemory(resolveBuildConfig(config, model), model);
    expect(plan.kvBytesPerToken).toBe(executor.engine.kvBytesPerToken);
  });
});
