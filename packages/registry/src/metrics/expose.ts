import { AggregatorRegistry, type MetricValue } from "prom-client";
import type { MetricsSnapshot } from "./metrics.js";

/** The metrics of all processes in the exposition format. Counters, histograms and most gauges are summed. */
export async function exposeMetrics(
  snapshots: readonly MetricsSnapshot[],
): Promise<{ body: string; contentType: string }> {
  const all = AggregatorRegistry.aggregate(snapshots.map((snapshot) => snapshot.map(asInOriginal)));
  return { body: await all.metrics(), contentType: all.contentType };
}

/** Families for which a sum over the processes would be meaningless. */
const AGGREGATORS: Readonly<Record<string, "min" | "max">> = {
  // The registry started when its oldest process did. Dashboards derive the uptime from this, and alerts detect restarts.
  process_start_time_seconds: "min",
  // Limits each process, not all of them together.
  process_max_fds: "max",
  nodejs_eventloop_lag_seconds: "max",
  nodejs_eventloop_lag_p50_seconds: "max",
  nodejs_eventloop_lag_p90_seconds: "max",
  nodejs_eventloop_lag_p99_seconds: "max",
};

function asInOriginal(metric: MetricsSnapshot[number]): MetricsSnapshot[number] {
  const aggregator = AGGREGATORS[metric.name];
  if (aggregator !== undefined) return { ...metric, aggregator };
  return { ...metric, values: metric.values.map(withGoBound) };
}

/** Writes a bucket's bound as Go does: to Prometheus it is a name, and another spelling would start another series. */
function withGoBound(value: MetricValue<string>): MetricValue<string> {
  const { labels } = value;
  return typeof labels["le"] === "number" ? { ...value, labels: { ...labels, le: goNumber(labels["le"]) } } : value;
}

/**
 * The shortest form that Go's `%g` gives: numbers of more than six digits get a two-digit exponent (1048576 → 1.048576e+06).
 */
function goNumber(value: number): string {
  if (value < 1e6 || !Number.isFinite(value)) return String(value);
  const [digits = "", exponent = ""] = value.toExponential().split("e+");
  return `${digits}e+${exponent.padStart(2, "0")}`;
}
