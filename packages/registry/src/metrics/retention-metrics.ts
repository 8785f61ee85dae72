import { Counter, Gauge, type Registry } from "prom-client";

/** Records runs of `policy.retention` when they end. */
export interface RetentionMetrics {
  /** Records a run: how many tags it removed; undefined if it failed. */
  ended(removed: number | undefined): void;
}

/** Registers the metrics of retention. */
export function createRetentionMetrics(registry: Registry): RetentionMetrics {
  const registers = [registry];
  const runs = new Counter({
    name: "registry_retention_runs_total",
    help: "Runs of policy.retention that ended, by result",
    labelNames: ["result"],
    registers,
  });
  const tags = new Counter({
    name: "registry_retention_deleted_tags_total",
    help: "Tags removed by policy.retention",
    registers,
  });
  const last = new Gauge({
    name: "registry_retention_last_success_timestamp_seconds",
    help: "When the last successful run of policy.retention ended",
    aggregator: "max",
    registers,
  });
  for (const result of ["success", "failure"]) runs.inc({ result }, 0);
  return {
    ended(removed) {
      runs.inc({ result: removed === undefined ? "failure" : "success" });
      if (removed === undefined) return;
      last.setToCurrentTime();
      tags.inc(removed);
    },
  };
}
