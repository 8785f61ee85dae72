import type { MetricObjectWithValues, MetricValue } from "prom-client";

/** One process's metrics in a form that can be sent to another process. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];
