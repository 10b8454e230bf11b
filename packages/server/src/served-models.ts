import { ConfigError } from "@trtllm-node/core";
import type { LLM } from "@trtllm-node/runtime";
import { ApiError } from "./api-error.ts";

export interface ServedModel {
  readonly name: string;
  readonly llm: LLM;
  /** The adapter that it answers with. */
  readonly lora?: string | undefined;
}

/**
 * The models by the names that requests give. A LoRA adapter is a model of its own: "model:adapter", or "adapter" alone
 * where no model, and no other model's adapter, has that name.
 */
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

  get byName(): Readonly<Record<string, LLM>> {
    return Object.fromEntries(this.all.map(({ name, llm }) => [name, llm]));
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
    const adapters = this.all.flatMap(adaptersOf);
    const adapter = adapters.find((each) => each.name === name);
    if (adapter !== undefined) return adapter;
    const [only, ...others] = adapters.filter((each) => each.lora === name);
    if (only !== undefined && others.length === 0) return only;
    const message = `The model '${name ?? ""}' does not exist or you do not have access to it.`;
    throw new ApiError(404, message, { param: "model", code: "model_not_found" });
  }

  list(): object {
    return {
      object: "list",
      data: this.all.flatMap((model) => [model, ...adaptersOf(model)]).map((model) => this.describe(model)),
    };
  }

  describe({ name, llm, lora }: ServedModel): object {
    const { maxSequenceTokens: max_model_len } = llm.engine;
    const model = {
      id: name,
      object: "model",
      created: this.#created,
      owned_by: "trtllm-node",
      max_model_len,
    };
    if (lora === undefined) return model;
    return { ...model, root: lora, parent: name.slice(0, -lora.length - 1) };
  }
}

function adaptersOf({ name, llm }: ServedModel): ServedModel[] {
  return llm.lora.names.map((lora) => ({ name: `${name}:${lora}`, llm, lora }));
}

/** Not `instanceof`: two copies of the runtime may be loaded. */
function isModel(models: LLM | Readonly<Record<string, LLM>>): models is LLM {
  return typeof models.chat === "function";
}
