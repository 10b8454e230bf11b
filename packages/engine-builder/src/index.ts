export { ModelError } from "./errors.ts";
export { inspectModel } from "./model/inspect-model.ts";
export type {
  Attention,
  Experts,
  ModelInfo,
  SlidingWindow,
  StoredQuantization,
  WeightGroups,
} from "./model/model-info.ts";
export type { Converter, TensorRtLlmSupport } from "./model/tensorrt-llm-support.ts";
