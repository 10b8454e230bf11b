export type { ChatModel } from "./language-model.ts";
export { createTrtllm, type TrtllmProvider, type TrtllmSettings, trtllm } from "./provider.ts";
export type { TrtllmProviderOptions } from "./provider-options.ts";
