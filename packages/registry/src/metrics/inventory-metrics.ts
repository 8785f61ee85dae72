import type { Usage } from "@longshore/inventory";
import { Gauge, type Registry } from "prom-client";

/** Shows what the registry contains. */
export interface InventoryMetrics {
  /** Shows what was counted just now. Nothing is shown before. */
  counted(usage: Usage): void;
}

const TOTALS = [
  ["repositories", "registry_repositories", "Repositories that aren't empty"],
  ["tags", "registry_tags", "Tags of all repositories"],
  ["manifests", "registry_manifests", "Manifests, each digest once"],
  ["blobs", "registry_blobs", "Blobs that manifests refer to, each digest once"],
  ["bytes", "registry_stored_bytes", "Bytes of these manifests and blobs, each digest once"],
  ["logicalBytes", "registry_logical_bytes", "What the repositories would take if they shared nothing"],
] as const satisfies readonly (readonly [keyof Usage, string, string])[];

/** Registers the totals in `registry` once they were counted: one series each, however many repositories there are. */
export function createInventoryMetrics(registry: Registry): InventoryMetrics {
  const gauges = new Map<string, Gauge>();
  const gauge = (name: string, help: string): Gauge => {
    const known = gauges.get(name) ?? new Gauge({ name, help, aggregator: "max", registers: [registry] });
    gauges.set(name, known);
    return known;
  };
  return {
    counted(usage) {
      for (const [key, name, help] of TOTALS) gauge(name, help).set(usage[key]);
      gauge("registry_inventory_counted_timestamp_seconds", "When the contents were last counted").setToCurrentTime();
    },
  };
}
