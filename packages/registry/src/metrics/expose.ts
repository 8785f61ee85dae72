import { AggregatorRegistry, type MetricValue } from "prom-client";
import type { MetricsSnapshot } from "./metrics.js";

/** The exposition format of all processes together: counters, histograms and most gauges are summed. */
export async function exposeMetrics(
  snapshots: readonly MetricsSnapshot[],
): Promise<{ body: string; contentType: string }> {
  const all = AggregatorRegistry.aggregate(snapshots.map((snapshot) => snapshot.map(asInOriginal)));
  return { body: await all.metrics(), contentType: all.contentType };
}

/** Families whose sum or average over processes would say nothing. */
const AGGREGATORS: Readonly<Record<string, "min" | "max">> = {
  // The start of the oldest process is the registry's; without it dashboards know no uptime and alerts no restart.
  process_start_time_seconds: "min",
  // A limit of each process, not of all together.
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
