export { type PackOptions, packBundle } from "./bundle/pack-bundle.ts";
export { type UnpackOptions, unpackBundle } from "./bundle/unpack-bundle.ts";
export { verifyEngine } from "./bundle/verify-engine.ts";
export {
  type BuildConfig,
  type BuildConfigInput,
  type BuildTarget,
  buildTargets,
} from "./config/build-config.ts";
export { readBuildConfigFile } from "./config/config-file.ts";
export { buildConfigJsonSchema, parseBuildConfig } from "./config/parse-build-config.ts";
export {
  type KvCacheType,
  type WeightQuantization,
  weightQuantizations,
} from "./config/quantization-formats.ts";
export { type Limits, type ResolvedBuildConfig, resolveBuildConfig } from "./config/resolve-build-config.ts";
export { type PulledModel, type PullOptions, type PullProgress, pullModel } from "./download/pull-model.ts";
export { buildCommands } from "./drivers/build-commands.ts";
export type { MeasureName } from "./drivers/build-log.ts";
export { type InstallOptions, installModelOpt, modelOptPython } from "./drivers/modelopt-environment.ts";
export type { Toolchain } from "./drivers/toolchain.ts";
export { BuildError, BuildLockedError, BundleError, DownloadError, ModelError, ToolError } from "./errors.ts";
export { type EngineLock, engineLockSchema, lockFileName } from "./lock/engine-lock.ts";
export { type Gpu, type GpuName, gpu, gpuNames } from "./memory/gpus.ts";
export type { KvPlan, MemoryPlan, StagePlan } from "./memory/memory-plan.ts";
export { type MemoryPlanOptions, planMemory } from "./memory/plan-memory.ts";
export type { SpeedBounds } from "./memory/speed-bounds.ts";
export type { StageWeights } from "./memory/weight-bytes.ts";
export type { WorkingMemory } from "./memory/working-memory.ts";
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
export { type BuildOptions, type BuildResult, buildEngine } from "./stages/build-engine.ts";
export type { BuildEvent, BuildStage } from "./stages/build-event.ts";
export { type QuantizeResult, quantizeModel } from "./stages/quantize-model.ts";
