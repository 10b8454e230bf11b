import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { ModelError } from "../errors.ts";
import { readGgufHeader } from "./gguf.ts";
import { readGgufArchitecture } from "./gguf-architecture.ts";
import { readHuggingFaceConfig } from "./hugging-face-config.ts";
import type { ModelInfo, StoredQuantization } from "./model-info.ts";
import { readSafetensorsHeader } from "./safetensors.ts";
import type { TensorHeader } from "./tensor-header.ts";
import { ggufSupport, tensorRtLlmSupport } from "./tensorrt-llm-support.ts";
import { totalParameters, weightGroupsOfShape, weightGroupsOfTensors } from "./weight-groups.ts";

const indexFile = "model.safetensors.index.json";
const maxJsonBytes = 64 << 20;

/**
 * Tells a model's shape and size from the headers of its files; no weight is loaded, whatever the size.
 * @param path a Hugging Face model directory (config.json, usually safetensors), one safetensors file beside its
 * config.json, or a GGUF
 * @throws ModelError where it is missing (ERR_MODEL_NOT_FOUND), damaged (ERR_MODEL_CORRUPT), or neither of these kinds
 * (ERR_MODEL_UNSUPPORTED)
 */
export async function inspectModel(path: string): Promise<ModelInfo> {
  const absolute = resolve(path);
  const status = await stat(absolute).catch((cause) => {
    throw new ModelError("ERR_MODEL_NOT_FOUND", `There is no model at ${absolute}.`, absolute, { cause });
  });
  if (status.isDirectory()) return inspectDirectory(absolute);
  if (absolute.endsWith(".safetensors"))
    return inspectCheckpoint(absolute, dirname(absolute), [basename(absolute)]);
  return inspectGguf(absolute);
}

async function inspectDirectory(folder: string): Promise<ModelInfo> {
  const names = await readdir(folder);
  if (names.includes("config.json"))
    return inspectCheckpoint(folder, folder, await weightFiles(folder, names));
  const ggufs = names.filter((name) => name.endsWith(".gguf"));
  const [only] = ggufs;
  if (only !== undefined && ggufs.length === 1) return inspectGguf(join(folder, only));
  throw new ModelError(
    "ERR_MODEL_UNSUPPORTED",
    ggufs.length > 1
      ? `${folder} holds ${ggufs.length} GGUF files: ${ggufs.sort().join(", ")}. Name one of them.`
      : `${folder} holds neither a config.json nor a GGUF, so it is no model that is known here.`,
    folder,
  );
}

async function weightFiles(folder: string, names: readonly string[]): Promise<string[]> {
  if (names.includes(indexFile)) return shards(folder);
  if (names.includes("model.safetensors")) return ["model.safetensors"];
  const pickled = names.find((name) => /^pytorch_model.*\.bin$|\.pth?$/.test(name));
  if (pickled !== undefined && !names.some((name) => name.endsWith(".safetensors"))) {
    throw new ModelError(
      "ERR_MODEL_UNSUPPORTED",
      `${folder} holds ${pickled}, a pickle, which may run code when read. Convert the model to safetensors first.`,
      folder,
    );
  }
  return names.filter((name) => name.endsWith(".safetensors")).sort();
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

async function shards(folder: string): Promise<string[]> {
  const path = join(folder, indexFile);
  const index = indexSchema.safeParse(await readJson(path));
  if (!index.success) throw corrupt(path, "it has no weight_map");
  const files = [...new Set(Object.values(index.data.weight_map))].sort();
  const outside = files.find(
    (name) => basename(name) !== name || name.includes("\\") || name.startsWith("."),
  );
  if (outside !== undefined) throw corrupt(path, `it names ${JSON.stringify(outside)}, not a file beside it`);
  return files;
}

async function inspectCheckpoint(path: string, folder: string, files: readonly string[]): Promise<ModelInfo> {
  const configPath = join(folder, "config.json");
  const { tiedEmbeddings, dtype, ...architecture } = readHuggingFaceConfig(
    await readJson(configPath),
    configPath,
  );
  const tensors = (await Promise.all(files.map((name) => readSafetensorsHeader(join(folder, name))))).flat();
  await checkIndex(folder, files, tensors);

  const quantization = architecture.quantization ?? (await modelOptQuantization(folder));
  const stored =
    quantization === undefined && tensors.length > 0 ? weightGroupsOfTensors(tensors) : undefined;
  const tied = stored ? stored.head === 0 : tiedEmbeddings === true;
  const weights = stored ?? weightGroupsOfShape({ ...architecture, tiedEmbeddings: tied, dtype });
  return {
    path,
    format: tensors.length > 0 ? "safetensors" : "config",
    ...architecture,
    parameterCount: weights && totalParameters(weights),
    weightBytes: tensors.reduce((sum, { bytes }) => sum + bytes, 0),
    dtype: dtype ?? spelledOut[mostBytes(tensors) ?? ""] ?? "unknown",
    tiedEmbeddings: tied,
    quantization,
    weights,
    tensorRtLlm: tensorRtLlmSupport(architecture.architecture),
  };
}

/** Every weight that the index promises must be in a file, and none in two. */
async function checkIndex(
  folder: string,
  files: readonly string[],
  tensors: readonly TensorHeader[],
): Promise<void> {
  const names = new Set(tensors.map(({ name }) => name));
  if (names.size < tensors.length) throw corrupt(folder, "a tensor is in two of its safetensors files");
  if (files.length < 2) return;
  const index = indexSchema.safeParse(await readJson(join(folder, indexFile)).catch(() => undefined));
  const missing = index.success && Object.keys(index.data.weight_map).find((name) => !names.has(name));
  if (missing) throw corrupt(folder, `its index promises tensor ${missing}, which no file holds`);
}

/** Where ModelOpt writes what it did. */
async function modelOptQuantization(folder: string): Promise<StoredQuantization | undefined> {
  const path = join(folder, "hf_quant_config.json");
  if (!(await stat(path).catch(() => undefined))) return undefined;
  const schema = z.object({
    quantization: z.object({ quant_algo: z.string().nullish(), group_size: z.int().nullish() }),
  });
  const parsed = schema.safeParse(await readJson(path));
  if (!parsed.success) throw corrupt(path, "it does not say how the model is quantized");
  const { quant_algo, group_size } = parsed.data.quantization;
  if (!quant_algo) return undefined;
  return {
    method: `modelopt ${quant_algo.toLowerCase()}`,
    bits: undefined,
    groupSize: group_size ?? undefined,
  };
}

async function inspectGguf(path: string): Promise<ModelInfo> {
  const header = await readGgufHeader(path);
  const architecture = readGgufArchitecture(header, path);
  const weights = weightGroupsOfTensors(header.tensors);
  const method = mostBytes(header.tensors) ?? "unknown";
  const plain = spelledOut[method];
  return {
    path,
    format: "gguf",
    ...architecture,
    parameterCount: totalParameters(weights),
    weightBytes: header.tensors.reduce((sum, { bytes }) => sum + bytes, 0),
    dtype: plain ?? method,
    tiedEmbeddings: architecture.tiedEmbeddings === true,
    quantization: plain === undefined ? { method, bits: undefined, groupSize: undefined } : undefined,
    weights,
    tensorRtLlm: ggufSupport,
  };
}

const spelledOut: Readonly<Record<string, string>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

/** The type that holds most of the bytes. */
function mostBytes(tensors: readonly TensorHeader[]): string | undefined {
  const totals = new Map<string, number>();
  for (const { dtype, bytes } of tensors) totals.set(dtype, (totals.get(dtype) ?? 0) + bytes);
  return [...totals].sort(([, a], [, b]) => b - a)[0]?.[0];
}

async function readJson(path: string): Promise<unknown> {
  const { size } = await stat(path).catch((cause) => {
    throw new ModelError("ERR_MODEL_NOT_FOUND", `There is no ${path}.`, path, { cause });
  });
  if (size > maxJsonBytes) throw corrupt(path, `it has ${size} bytes, more than any real one`);
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw corrupt(path, "it is no JSON", cause);
  }
}

function corrupt(path: string, problem: string, cause?: unknown): ModelError {
  return new ModelError("ERR_MODEL_CORRUPT", `${path} is damaged: ${problem}. Fetch it again.`, path, {
    cause,
  });
}
