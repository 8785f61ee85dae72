import { Counter, Histogram, type Registry } from "prom-client";

/** What storage tells while it works; the port that `observeDriver` and the caches call. */
export interface StorageMetrics {
  /** One driver call under the original's action name. */
  action(driver: string, action: string, seconds: number): void;
  /** One question to the cache of manifests and their descriptors. */
  cacheLookup(hit: boolean): void;
}

/** Registers the storage metrics under the original's names (contract §9.2). */
export function createStorageMetrics(registry: Registry): StorageMetrics {
  const registers = [registry];
  const actions = new Histogram({
    name: "registry_storage_action_seconds",
    help: "The number of seconds that the storage action takes",
    labelNames: ["driver", "action"],
    registers,
  });
  const requests = new Counter({
    name: "registry_storage_cache_requests_total",
    help: "The number of cache request received",
    registers,
  });
  const hits = new Counter({
    name: "registry_storage_cache_hits_total",
    help: "The number of cache hits received",
    registers,
  });
  // A cache in memory has no errors; dashboards that were made for the original ask for them.
  new Counter({
    name: "registry_storage_cache_errors_total",
    help: "The number of cache request errors",
    registers,
  });
  return {
    action: (driver, action, seconds) => actions.observe({ driver, action }, seconds),
    cacheLookup(hit) {
      requests.inc();
      if (hit) hits.inc();
    },
  };
}
