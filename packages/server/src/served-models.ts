import { ConfigError } from "@trtllm-node/core";
import type { LLM } from "@trtllm-node/runtime";
import { ApiError } from "./api-error.ts";

export interface ServedModel {
  readonly name: string;
  readonly llm: LLM;
}

/** The models by the names that requests give. */
export class ServedModels {
  readonly #models: ReadonlyMap<string, ServedModel>;
  /** Seconds since 1970. */
  readonly #created = Math.floor(Date.now() / 1000);

  /** @throws ConfigError: none */
  constructor(models: LLM | Readonly<Record<string, LLM>>) {
    const named = isModel(models) ? { [models.engine.name]: models } : models;
    this.#models = new Map(Object.entries(named).map(([name, llm]) => [name, { name, llm }]));
    if (this.#models.size === 0)
      throw new ConfigError("There is no model to serve. Pass an LLM, or LLMs by name.");
  }

  get all(): readonly ServedModel[] {
    return [...this.#models.values()];
  }

  /**
   * @param name may be left out where there is one model only
   * @throws ApiError: 404
   */
  get(name: string | null | undefined): ServedModel {
    if (typeof name !== "string" && this.#models.size === 1) return this.all[0]!;
    const model = this.#models.get(name ?? "");
    if (model !== undefined) return model;
    const message = `The model '${name ?? ""}' does not exist or you do not have access to it.`;
    throw new ApiError(404, message, { param: "model", code: "model_not_found" });
  }

  list(): object {
    return { object: "list", data: this.all.map((model) => this.describe(model)) };
  }

  describe({ name, llm }: ServedModel): object {
    const { maxSequenceTokens: max_model_len } = llm.engine;
    return { id: name, object: "model", created: this.#created, owned_by: "trtllm-node", max_model_len };
  }
}

/** Not `instanceof`: two copies of the runtime may be loaded. */
function isModel(models: LLM | Readonly<Record<string, LLM>>): models is LLM {
  return typeof models.chat === "function";
}
