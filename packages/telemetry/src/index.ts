export type { EngineLoad } from "./engine-load.ts";
export type { LiveModel, LiveRequest, LiveSeries, LiveSnapshot } from "./live/live-snapshot.ts";
export { LiveView } from "./live/live-view.ts";
export { PrometheusMetrics, type PrometheusOptions } from "./prometheus/prometheus-metrics.ts";
