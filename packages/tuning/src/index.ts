export { type AnalysisOptions, analyzeTraffic } from "./analyze/analyze-traffic.ts";
export { type ServiceLevel, serviceLevelSchema } from "./analyze/service-level.ts";
export type {
  AllowedTokens,
  AnswerLengths,
  PrefixAnalysis,
  ServiceLevelAnalysis,
  TrafficAnalysis,
} from "./analyze/traffic-analysis.ts";
export { TrafficError } from "./errors.ts";
export { readTraffic, trafficFormats } from "./import/read-traffic.ts";
export { trafficReport } from "./report/traffic-report.ts";
export { simulate } from "./simulate/simulate.ts";
export type { SimulatedEngine } from "./simulate/simulated-engine.ts";
export type { SimulatedRequest, Simulation } from "./simulate/simulation.ts";
export type { StepTime, StepWork } from "./simulate/step-time.ts";
export type { Arrivals } from "./statistics/arrivals.ts";
export type { Concurrency } from "./statistics/concurrency.ts";
export type { JointLengths } from "./statistics/joint-lengths.ts";
export type { Distribution, Estimate } from "./statistics/quantile.ts";
export type { ReuseCurve } from "./statistics/reuse-curve.ts";
export { type RecorderOptions, TrafficRecorder } from "./traffic/traffic-recorder.ts";
export type { TrafficRequest } from "./traffic/traffic-request.ts";
export { writeMooncakeTrace } from "./traffic/write-mooncake.ts";
