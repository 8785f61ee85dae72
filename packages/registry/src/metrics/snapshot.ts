import type { MetricObjectWithValues, MetricValue } from "prom-client";

/** The metrics of one process, in a form that can be sent to another. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];
