/**
 * Measures what quantizing SmolLM2-135M costs, and writes docs/quantization.json and docs/quantization.svg.
 * Calibrates and evaluates on different pages of this repository's documentation.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildConfigInput, buildEngine, modelOptPython } from "@trtllm-node/engine-builder";
import { type Evaluation, evaluate, LLM } from "@trtllm-node/runtime";
import { execa } from "execa";
import { drawFigures, type Figure } from "./draw-figures.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const calibrationPages = ["getting-started", "chat", "sessions", "sampling", "serving", "pool"];
const evaluationPages = ["architecture", "kv-cache", "tokenizers", "structured-output"];
const evaluatedCharacters = 24_000;

const folder = await mkdtemp(join(tmpdir(), "measure-"));
try {
  await measure();
} finally {
  await rm(folder, { recursive: true });
}

async function measure(): Promise<void> {
  const model = join(folder, "model");
  const gguf = join(root, ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf");
  await execa((await modelOptPython())!, ["scripts/quantize/smollm2-checkpoint.py", gguf, model], {
    cwd: root,
  });
  const dataset = join(folder, "calibration.txt");
  await writeFile(dataset, await pages(calibrationPages));
  const text = (await pages(evaluationPages)).slice(0, evaluatedCharacters);

  const build = async (weights: "none" | "fp8" | "nvfp4" | "int8-smoothquant" | "int4-awq") => {
    const plain = weights === "none";
    const awq: BuildConfigInput["quantization"] = { groupSize: 64 };
    const { output } = await buildEngine({
      ...{ model, output: join(folder, weights), target: "embedded" },
      quantization: {
        ...{ weights, ...(weights === "int4-awq" && awq) },
        ...(!plain && { calibration: { dataset, samples: 32 } }),
      },
    });
    return output;
  };
  const plain = await build("none");
  const ggml = async (type: string) => {
    const output = join(folder, `${type}.gguf`);
    await execa(join(root, "native-shim/build/release/bin/quantize_gguf"), [
      ...[join(plain, "model.gguf"), output, type.toLowerCase()],
    ]);
    return output;
  };
  await using reference = await LLM.load(plain);
  const figures: Figure[] = [];
  const compare = async (name: string, path: string) => {
    await using engine = await LLM.load(path);
    const result = await evaluate(engine, reference, text);
    const { weightBytes, parameterCount } = engine.engine;
    figures.push({ name, bitsPerWeight: (weightBytes * 8) / parameterCount, ...rounded(result) });
    console.log(figures.at(-1));
  };
  await compare("Q8_0", await ggml("Q8_0"));
  await compare("FP8", await build("fp8"));
  await compare("INT8 SmoothQuant", await build("int8-smoothquant"));
  await compare("INT4 AWQ", await build("int4-awq"));
  await compare("NVFP4", await build("nvfp4"));
  await compare("Q4_0", await ggml("Q4_0"));
  const json = join(root, "docs/quantization.json");
  await writeFile(json, `${JSON.stringify(figures, undefined, 2)}\n`);
  await writeFile(join(root, "docs/quantization.svg"), drawFigures(figures));
}

async function pages(names: readonly string[]): Promise<string> {
  const texts = names.map((name) => readFile(join(root, `docs/${name}.md`), "utf8"));
  return (await Promise.all(texts)).join("\n\n");
}

function rounded(evaluation: Evaluation): Evaluation {
  const round = (value: number) => Number(value.toPrecision(5));
  return {
    tokens: evaluation.tokens,
    perplexity: round(evaluation.perplexity),
    referencePerplexity: round(evaluation.referencePerplexity),
    topAgreement: round(evaluation.topAgreement),
  };
}
