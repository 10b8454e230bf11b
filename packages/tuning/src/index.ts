export { type AnalysisOptions, analyzeTraffic } from "./analyze/analyze-traffic.ts";
export { type ServiceLevel, serviceLevelSchema } from "./analyze/service-level.ts";
export type {
  AllowedTokens,
  AnswerLengths,
  PrefixAnalysis,
  ServiceLevelAnalysis,
  TrafficAnalysis,
} from "./analyze/traffic-analysis.ts";
export { type CalibrationOptions, calibrate } from "./calibrate/calibrate.ts";
export { fittedStepTime, type StepTimeModel } from "./calibrate/fitted-step-time.ts";
export { NotConfidentError, TrafficError } from "./errors.ts";
export { readTraffic, trafficFormats } from "./import/read-traffic.ts";
export { type ArrivalProcess, withArrivals } from "./load/arrivals.ts";
export { llmTarget } from "./load/llm-target.ts";
export { type LoadRequest, loadRequests, type PromptOptions } from "./load/load-request.ts";
export { type LoadSummary, summarizeLoad } from "./load/load-summary.ts";
export type { LoadTarget, SentRequest } from "./load/load-target.ts";
export { LoadError, type OpenAiTargetOptions, openAiTarget } from "./load/openai-target.ts";
export { type LoadOptions, type LoadResult, runLoad } from "./load/run-load.ts";
export { type BackTest, backTest, type Comparison } from "./recommend/back-test.ts";
export { buildLimits, executorOptions, simulatedEngine } from "./recommend/engine-settings.ts";
export type { Choice } from "./recommend/explain.ts";
export { type Prediction, predict } from "./recommend/predict.ts";
export { type Recommendation, type RecommendOptions, recommend } from "./recommend/recommend.ts";
export { trafficReport } from "./report/traffic-report.ts";
export { simulate } from "./simulate/simulate.ts";
export type { SimulatedEngine } from "./simulate/simulated-engine.ts";
export type { SimulatedRequest, Simulation } from "./simulate/simulation.ts";
export type { StepTime, StepWork } from "./simulate/step-time.ts";
export type { Arrivals } from "./statistics/arrivals.ts";
export type { Concurrency } from "./statistics/concurrency.ts";
export type { JointLengths } from "./statistics/joint-lengths.ts";
export type { LatencyCounts } from "./statistics/latency-counts.ts";
export type { Distribution, Estimate } from "./statistics/quantile.ts";
export type { ReuseCurve } from "./statistics/reuse-curve.ts";
export { type RecorderOptions, TrafficRecorder } from "./traffic/traffic-recorder.ts";
export type { TrafficRequest } from "./traffic/traffic-request.ts";
export { writeMooncakeTrace } from "./traffic/write-mooncake.ts";
