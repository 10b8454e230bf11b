import { readFile } from "node:fs/promises";
import { dirname, extname, resolve } from "node:path";
import { ConfigError } from "@trtllm-node/core";
import { parse } from "yaml";
import { isHubModel } from "../download/hub-model.ts";

/**
 * Reads a build configuration from a .json, .yaml or .yml file. Paths in it are relative to the file.
 * @returns the document, for `parseBuildConfig`
 * @throws ConfigError where the file cannot be read or parsed
 */
export async function readBuildConfigFile(path: string): Promise<Record<string, unknown>> {
  const document = parseText(path, await readText(path));
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new ConfigError(`${path} holds no build configuration: expected an object with model and output.`);
  }
  return relativeTo(dirname(path), document as Record<string, unknown>);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new ConfigError(`${path} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

function parseText(path: string, text: string): unknown {
  const extension = extname(path).toLowerCase();
  try {
    if (extension === ".json") return JSON.parse(text);
    if (extension === ".yaml" || extension === ".yml") return parse(text);
  } catch (cause) {
    throw new ConfigError(`${path} cannot be parsed: ${(cause as Error).message.split("\n")[0]}`, { cause });
  }
  throw new ConfigError(`${path} ends in ${extension || "no extension"}; expected .json, .yaml or .yml.`);
}

const pathFields = ["model", "output"];

function relativeTo(
  folder: string,
  { $schema: _, ...document }: Record<string, unknown>,
): Record<string, unknown> {
  for (const field of pathFields) {
    const value = document[field];
    if (typeof value === "string" && value !== "" && !isHubModel(value))
      document[field] = resolve(folder, value);
  }
  const { quantization } = document as { quantization?: { calibration?: { dataset?: unknown } } };
  const calibration = quantization?.calibration;
  if (typeof calibration?.dataset === "string") calibration.dataset = resolve(folder, calibration.dataset);
  return document;
}
