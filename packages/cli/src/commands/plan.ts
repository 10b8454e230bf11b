import { ConfigError } from "@trtllm-node/core";
import { inspectModel, type MemoryPlan, planMemory, resolveBuildConfig } from "@trtllm-node/engine-builder";
import { Command } from "commander";
import { addBuildOptions, type BuildFlags, buildConfig } from "../build-flags.ts";
import { formatBytes } from "../format-bytes.ts";
import { formatTable } from "../format-table.ts";
import { decimalNumber } from "../number-arguments.ts";

interface PlanFlags extends BuildFlags {
  readonly kvFraction?: number;
  readonly json?: true;
}

export function planCommand(): Command {
  const command = new Command("plan")
    .description("Plan the memory of an engine: what fits on which GPU, and how fast it can be at most")
    .argument("[model]", "Hugging Face directory or its config.json's; default: the configuration's")
    .option(
      "--kv-fraction <share>",
      "part of the free memory for the KV cache",
      decimalNumber({ min: 0, max: 1 }),
    )
    .option("--json", "print one JSON object")
    .action(plan);
  return addBuildOptions(command);
}

async function plan(model: string | undefined, flags: PlanFlags): Promise<void> {
  if (model === undefined && flags.config === undefined) {
    throw new ConfigError("There is nothing to plan. Name a model, or a build configuration with --config.");
  }
  // A plan builds nothing, so it needs no output.
  const output = flags.config === undefined ? "unused" : undefined;
  const config = await buildConfig({ model, output }, flags);
  const info = await inspectModel(config.model);
  const result = planMemory(resolveBuildConfig(config, info), info, { kvCacheFraction: flags.kvFraction });
  process.stdout.write(flags.json ? `${JSON.stringify(result)}\n` : describe(result));
}

function describe(plan: MemoryPlan): string {
  const { gpu, gpuCount, limits, kv, bounds } = plan;
  const tokens = (count: number) => `${count.toLocaleString("en")} tokens`;
  const rows: (readonly [string, string])[] = [
    ["GPUs", `${gpuCount} × ${gpu.name}, ${formatBytes(gpu.memoryBytes)} each`],
    ...stageRows(plan),
    ["KV cache", `${tokens(kv.poolTokens)}, ${formatBytes(plan.kvBytesPerToken)} per token on all GPUs`],
    ["fits", plan.fits ? "yes" : "no"],
    [
      "largest batch",
      `${kv.largestBatch} of ${limits.maxBatchSize} requests at ${tokens(limits.maxSequenceTokens)}`,
    ],
    [
      "largest context",
      `${tokens(kv.largestContext)} alone, ${tokens(kv.largestContextOfFullBatch)} at full batch`,
    ],
  ];
  if (bounds) {
    const rate = (value: number) => `${Math.floor(value).toLocaleString("en")} tokens/s`;
    rows.push(
      [
        "decode at most",
        `${rate(bounds.decodeOneRequest)} alone, ${rate(bounds.decodeFullBatch)} at ${bounds.batch} requests`,
      ],
      ["prompts at most", rate(bounds.prompt)],
    );
  }
  return formatTable(rows) + plan.advice.map((sentence) => `\n→ ${sentence}\n`).join("");
}

function stageRows({ stages }: MemoryPlan): (readonly [string, string])[] {
  return stages.flatMap(({ layers, weights, working, kvPool }, stage) => {
    const where = stages.length > 1 ? ` stage ${stage} (${layers} layers)` : "";
    return [
      [`weights${where}`, `${formatBytes(weights.total)} on each GPU`],
      [`working${where}`, `${formatBytes(working.total)} on each GPU (estimate)`],
      [`KV pool${where}`, `${formatBytes(kvPool)} on each GPU`],
    ] as const;
  });
}
