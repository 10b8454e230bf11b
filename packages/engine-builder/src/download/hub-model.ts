import { ConfigError } from "@trtllm-node/core";

/** A model of the Hugging Face hub. */
export interface HubModel {
  /** Such as "HuggingFaceTB/SmolLM2-135M-Instruct". */
  readonly name: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

const prefix = "hf:";

/** Whether it names a model of the hub and no path. */
export function isHubModel(model: string): boolean {
  return model.startsWith(prefix);
}

/**
 * Reads `hf:owner/name` or `hf:owner/name@revision`.
 * @throws ConfigError
 */
export function parseHubModel(text: string): HubModel {
  const match = /^(?:hf:)?([\w.-]+\/[\w.-]+)(?:@([\w./-]+))?$/.exec(text);
  const [, name, revision = "main"] = match ?? [];
  if (name === undefined || revision.includes("..")) {
    throw new ConfigError(
      `${JSON.stringify(text)} names no model of the hub. Expected hf:owner/name or hf:owner/name@revision.`,
    );
  }
  return { name, revision };
}
