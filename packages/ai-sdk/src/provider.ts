import { type LanguageModelV3, NoSuchModelError, type ProviderV3 } from "@ai-sdk/provider";
import type { EnginePool } from "@trtllm-node/runtime";
import { type ChatModel, TrtllmLanguageModel } from "./language-model.ts";

/** Engines by name: of your own, or all of a pool. */
type Engines = Readonly<Record<string, ChatModel>> | Pick<EnginePool, "names" | "model">;

export interface TrtllmSettings {
  readonly engines: Engines;
}

export interface TrtllmProvider extends ProviderV3 {
  /** @throws NoSuchModelError */
  (modelId: string): LanguageModelV3;
}

/** An engine as a model of the AI SDK. Its id is the engine's name; you go on owning the engine. */
export function trtllm(llm: ChatModel): LanguageModelV3 {
  return new TrtllmLanguageModel(llm, llm.engine.name);
}

/** A provider of the AI SDK whose model ids are the names of `engines`. A pool's engines may change meanwhile. */
export function createTrtllm({ engines }: TrtllmSettings): TrtllmProvider {
  const languageModel = (modelId: string) => new TrtllmLanguageModel(find(engines, modelId), modelId);
  return Object.assign((modelId: string) => languageModel(modelId), {
    specificationVersion: "v3" as const,
    languageModel,
    embeddingModel: (modelId: string) => refuse(modelId, "embeddingModel", "computes no embeddings"),
    imageModel: (modelId: string) => refuse(modelId, "imageModel", "makes no images"),
  });
}

function find(engines: Engines, modelId: string): ChatModel {
  const { names, get } = isPool(engines)
    ? { names: engines.names, get: () => engines.model(modelId) }
    : { names: Object.keys(engines), get: () => engines[modelId]! };
  if (names.includes(modelId)) return get();
  const known = names.map((name) => JSON.stringify(name)).join(", ") || "none";
  throw new NoSuchModelError({
    modelId,
    modelType: "languageModel",
    message: `There is no engine ${JSON.stringify(modelId)}. Those given to createTrtllm are: ${known}.`,
  });
}

function isPool(engines: Engines): engines is Pick<EnginePool, "names" | "model"> {
  return Array.isArray(engines.names);
}

function refuse(modelId: string, modelType: "embeddingModel" | "imageModel", reason: string): never {
  throw new NoSuchModelError({
    modelId,
    modelType,
    message: `There is no ${modelType} ${JSON.stringify(modelId)}: an engine generates text, and ${reason}. Use another provider for it.`,
  });
}
