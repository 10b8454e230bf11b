export { PrometheusMetrics, type PrometheusOptions } from "./prometheus/prometheus-metrics.ts";
