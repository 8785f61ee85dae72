import {
  AggregatorRegistry,
  collectDefaultMetrics,
  Registry,
  type MetricObjectWithValues,
  type MetricValue,
} from "prom-client";
import { createAuthMetrics, type AuthMetrics } from "./auth-metrics.js";
import { createHttpMetrics, type HttpMetrics } from "./http-metrics.js";
import { createStorageMetrics, type StorageMetrics } from "./storage-metrics.js";

/** One process's metrics in a form that can be sent to another process. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

/** The metrics of this process. */
export interface Metrics {
  readonly http: HttpMetrics;
  readonly storage: StorageMetrics;
  readonly auth: AuthMetrics;
  snapshot(): Promise<MetricsSnapshot>;
}

/** Makes this process's metrics, with the `process_*` and `nodejs_*` families of the runtime. */
export function createMetrics(inFlight: () => ReadonlyMap<string, number>): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    http: createHttpMetrics(registry, inFlight),
    storage: createStorageMetrics(registry),
    auth: createAuthMetrics(registry),
    snapshot: () => registry.getMetricsAsJSON(),
  };
}

/** The exposition format of all processes together: counters and histograms are summed. */
export async function exposeMetrics(
  snapshots: readonly MetricsSnapshot[],
): Promise<{ body: string; contentType: string }> {
  const all = AggregatorRegistry.aggregate(snapshots.map((snapshot) => [...snapshot]));
  return { body: await all.metrics(), contentType: all.contentType };
}
