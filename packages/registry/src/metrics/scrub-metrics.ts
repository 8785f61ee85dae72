import type { ScrubResult } from "@longshore/storage";
import { Counter, Gauge, type Registry } from "prom-client";

/** Records scrubs when they end. Called by the scheduled scrub. */
export interface ScrubMetrics {
  /** Records one scrub; the result is undefined if it failed. */
  ended(result: ScrubResult | undefined): void;
}

/** Registers the metrics of scrubs, which Distribution doesn't have. */
export function createScrubMetrics(registry: Registry): ScrubMetrics {
  const registers = [registry];
  const runs = new Counter({
    name: "registry_scrub_runs_total",
    help: "Scrubs that ended, by result",
    labelNames: ["result"],
    registers,
  });
  const counter = (name: string, help: string) =>
    new Counter({ name: `registry_scrub_${name}_total`, help, registers });
  const blobs = counter("blobs", "Blobs read by scrubs");
  const bytes = counter("bytes", "Bytes of blobs read by scrubs");
  const damaged = counter("damaged", "Damaged blobs, links, tags and manifests found by scrubs");
  const last = new Gauge({
    name: "registry_scrub_last_success_timestamp_seconds",
    help: "When the last scrub ended that read everything",
    aggregator: "max",
    registers,
  });
  for (const result of ["success", "failure"]) runs.inc({ result }, 0);
  return {
    ended(result) {
      runs.inc({ result: result === undefined ? "failure" : "success" });
      if (result === undefined) return;
      last.setToCurrentTime();
      blobs.inc(result.blobs);
      bytes.inc(result.bytes);
      damaged.inc(result.damaged);
    },
  };
}
