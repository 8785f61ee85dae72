import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { createAuthMetrics, type AuthMetrics } from "./auth-metrics.js";
import { registerConnectionMetrics, type ConnectionSource } from "./connection-metrics.js";
import { createCollectionMetrics, type CollectionMetrics } from "./gc-metrics.js";
import { createScrubMetrics, type ScrubMetrics } from "./scrub-metrics.js";
import { createHttpMetrics, type HttpMetrics } from "./http-metrics.js";
import { createLimitMetrics, type LimitMetrics } from "./limit-metrics.js";
import { createMirrorMetrics, type MirrorMetrics } from "./mirror-metrics.js";
import { createProcessMetrics } from "./process-metrics.js";
import type { MetricsSnapshot } from "./snapshot.js";
import { createInventoryMetrics, type InventoryMetrics } from "./inventory-metrics.js";
import { createRetentionMetrics, type RetentionMetrics } from "./retention-metrics.js";
import { createStorageMetrics, type StorageMetrics } from "./storage-metrics.js";

export type { MetricsSnapshot } from "./snapshot.js";

/** What a process's metrics are made from. */
export interface MetricsSources {
  /**
   * This process's name within the registry: `primary`, `worker-1`, `single`. Names are reused after restarts, so that there
   * are few.
   */
  readonly process: string;
  readonly version: string;
  /** Undefined if this process accepts no connections. */
  readonly connections: ConnectionSource | undefined;
}

/** The metrics of this process. */
export interface Metrics {
  readonly http: HttpMetrics;
  readonly storage: StorageMetrics;
  readonly auth: AuthMetrics;
  readonly collection: CollectionMetrics;
  readonly scrub: ScrubMetrics;
  readonly mirror: MirrorMetrics;
  readonly limits: LimitMetrics;
  readonly retention: RetentionMetrics;
  readonly inventory: InventoryMetrics;
  snapshot(): Promise<MetricsSnapshot>;
}

/**
 * Gauges of the library whose names end in `_total`, as only a counter's should. Other families have the same figures by
 * kind.
 */
const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** Creates this process's metrics, with the `process_*` and `nodejs_*` families of the runtime. */
export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  new Gauge({
    name: "registry_build_info",
    help: "The versions of the registry and of Node.js, as labels; always 1.",
    labelNames: ["version", "node_version"],
    aggregator: "max",
    registers: [registry],
  }).set({ version: sources.version, node_version: process.version }, 1);
  const ofProcess = createProcessMetrics(sources.process);
  const { connections } = sources;
  if (connections !== undefined) registerConnectionMetrics(registry, connections);
  return {
    http: createHttpMetrics(registry, () => connections?.inFlight() ?? new Map<string, number>()),
    storage: createStorageMetrics(registry),
    auth: createAuthMetrics(registry),
    collection: createCollectionMetrics(registry),
    scrub: createScrubMetrics(registry),
    mirror: createMirrorMetrics(registry),
    limits: createLimitMetrics(registry),
    retention: createRetentionMetrics(registry),
    inventory: createInventoryMetrics(registry),
    async snapshot() {
      const all = await registry.getMetricsAsJSON();
      return [...all, ...(await ofProcess(all))];
    },
  };
}
