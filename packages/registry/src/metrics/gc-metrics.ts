import type { CollectResult } from "@longshore/storage";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Records collections when they end. Called by the scheduled collection. */
export interface CollectionMetrics {
  /** Records one collection: how many seconds it took and its result, which is undefined if it failed. */
  ended(seconds: number, result: CollectResult | undefined): void;
}

/** From a small store to one that takes a day to collect. */
const SECONDS = [1, 10, 60, 600, 3600, 6 * 3600, 24 * 3600];

/** Registers the metrics of garbage collection, which Distribution doesn't have. */
export function createCollectionMetrics(registry: Registry): CollectionMetrics {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name: `registry_gc_${name}_total`, help, registers });
  const runs = new Counter({
    name: "registry_gc_runs_total",
    help: "Garbage collections that ended, by result",
    labelNames: ["result"],
    registers,
  });
  const duration = new Histogram({
    name: "registry_gc_duration_seconds",
    help: "How long garbage collections took",
    buckets: SECONDS,
    registers,
  });
  const last = new Gauge({
    name: "registry_gc_last_success_timestamp_seconds",
    help: "When the last successful garbage collection ended",
    aggregator: "max",
    registers,
  });
  const blobs = counter("deleted_blobs", "Blobs removed by garbage collection");
  const manifests = counter("deleted_manifests", "Untagged manifests removed by garbage collection");
  const links = counter("deleted_links", "Layer links removed by garbage collection");
  const bytes = counter("freed_bytes", "Bytes freed by garbage collection");
  const problems = counter("problems", "Things in the storage that garbage collection couldn't make sense of");
  for (const result of ["success", "failure"]) runs.inc({ result }, 0);
  return {
    ended(seconds, result) {
      runs.inc({ result: result === undefined ? "failure" : "success" });
      duration.observe(seconds);
      if (result === undefined) return;
      last.setToCurrentTime();
      blobs.inc(result.removedBlobs);
      manifests.inc(result.removedManifests);
      links.inc(result.removedLinks);
      bytes.inc(result.freedBytes);
      problems.inc(result.problems);
    },
  };
}
