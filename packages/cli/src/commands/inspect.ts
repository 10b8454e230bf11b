import { inspectModel, type ModelInfo } from "@trtllm-node/engine-builder";
import { Command } from "commander";
import { formatBytes } from "../format-bytes.ts";
import { formatTable } from "../format-table.ts";

export function inspectCommand(): Command {
  return new Command("inspect")
    .description("Tell a model's shape and size from its headers, without loading it")
    .argument("<model>", "Hugging Face directory, safetensors file or GGUF")
    .option("--json", "print one JSON object")
    .action(inspect);
}

async function inspect(path: string, { json }: { readonly json?: true }): Promise<void> {
  const model = await inspectModel(path);
  process.stdout.write(json ? `${JSON.stringify(model)}\n` : formatTable(rows(model)));
}

function rows(model: ModelInfo): (readonly [string, string])[] {
  const { parameterCount, quantization, experts, tensorRtLlm } = model;
  return [
    ["model", model.path],
    ["architecture", `${model.architecture} (${model.family}), ${model.format}`],
    ["parameters", parameterCount === undefined ? "unknown" : parameterCount.toLocaleString("en")],
    [
      "weights",
      model.weightBytes > 0 ? `${formatBytes(model.weightBytes)}, ${model.dtype}` : "no weight files",
    ],
    ["quantized", quantization ? describeQuantization(quantization) : "no"],
    ["layers", String(model.layers)],
    ["hidden size", `${model.hiddenSize}, feed-forward ${model.intermediateSize}`],
    ["attention", describeAttention(model)],
    ...(experts ? [["experts", `${experts.count}, ${experts.perToken} per token`] as const] : []),
    ["vocabulary", `${model.vocabularySize}${model.tiedEmbeddings ? ", tied to the output head" : ""}`],
    ["context", model.maxPositions === undefined ? "unknown" : `${model.maxPositions} tokens`],
    [
      "TensorRT-LLM",
      tensorRtLlm.supported ? `yes, as ${tensorRtLlm.modelClass}` : `no. ${tensorRtLlm.reason}`,
    ],
  ];
}

function describeQuantization({ method, bits, groupSize }: NonNullable<ModelInfo["quantization"]>): string {
  return [method, bits && `${bits} bits`, groupSize && `groups of ${groupSize}`].filter(Boolean).join(", ");
}

function describeAttention({ attention, layers }: ModelInfo): string {
  const { kind, heads, kvHeads, headSize, slidingWindow } = attention;
  const window = slidingWindow
    ? `, window of ${slidingWindow.tokens} tokens in ${slidingWindow.layers} of ${layers} layers`
    : "";
  return `${kind.toUpperCase()}, ${heads} heads, ${kvHeads} for keys and values, of ${headSize}${window}`;
}
