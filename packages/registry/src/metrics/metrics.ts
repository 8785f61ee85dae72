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
  const all = AggregatorRegistry.aggregate(snapshots.map((snapshot) => snapshot.map(asInOriginal)));
  return { body: await all.metrics(), contentType: all.contentType };
}

/** The start of the oldest process is the registry's; without it dashboards know no uptime and alerts no restart. */
const START_TIME = "process_start_time_seconds";

function asInOriginal(metric: MetricsSnapshot[number]): MetricsSnapshot[number] {
  if (metric.name === START_TIME) return { ...metric, aggregator: "min" };
  return { ...metric, values: metric.values.map(withGoBound) };
}

/** A bucket's bound as Go writes it: to Prometheus it is a name, and another spelling would begin another series. */
function withGoBound(value: MetricValue<string>): MetricValue<string> {
  const { labels } = value;
  return typeof labels["le"] === "number" ? { ...value, labels: { ...labels, le: goNumber(labels["le"]) } } : value;
}

/** The shortest form that Go's `%g` gives: with an exponent of two digits where the number has more than six (1048576 → 1.048576e+06). */
function goNumber(value: number): string {
  if (value < 1e6 || !Number.isFinite(value)) return String(value);
  const [digits = "", exponent = ""] = value.toExponential().split("e+");
  return `${digits}e+${exponent.padStart(2, "0")}`;
}
