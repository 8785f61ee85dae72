import type { CacheObserver } from "@longshore/storage";
import { Counter, Histogram, type Registry } from "prom-client";

/** Registers the metrics of caches under Distribution's names (wire contract §9.2); they observe the caches. */
export function createCacheMetrics(registry: Registry): Required<Pick<CacheObserver, "lookup" | "call" | "failed">> {
  const registers = [registry];
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
  const errors = new Counter({
    name: "registry_storage_cache_errors_total",
    help: "The number of cache request errors",
    registers,
  });
  // Only a registry with Redis has these series, as in Distribution.
  let calls: Histogram<"operation"> | undefined;
  return {
    lookup(hit) {
      requests.inc();
      if (hit) hits.inc();
    },
    failed: () => errors.inc(),
    call(operation, seconds) {
      calls ??= new Histogram({
        name: "registry_storage_cache_redis_seconds",
        help: "Seconds taken by calls to the cache in Redis",
        labelNames: ["operation"],
        registers,
      });
      calls.observe({ operation }, seconds);
    },
  };
}
