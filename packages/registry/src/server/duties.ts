import { purgeUploads, type StorageDriver } from "@longshore/storage";
import type { Config } from "../config/config.js";
import type { HealthFailures } from "../health/check.js";
import { createHealthChecks } from "../health/checks.js";
import { HealthMonitor } from "../health/monitor.js";
import type { CollectionMetrics } from "../metrics/gc-metrics.js";
import type { MetricsSnapshot } from "../metrics/metrics.js";
import type { NotificationService } from "../notifications/service.js";
import type { Log } from "../observability/log.js";
import { collectAsConfigured, startCollecting } from "./collect.js";
import { startDebugAddress, type Processes } from "./debug-address.js";
import { startPurging, type PurgeUploads } from "./purge.js";

/** What the duties need of the rest. */
export interface DutiesContext {
  readonly driver: StorageDriver;
  readonly log: Log;
  readonly processes: Processes;
  /** Told whenever what fails changes. */
  readonly onHealth: (failures: HealthFailures) => void;
  /** The metrics of every process. */
  readonly snapshots: () => Promise<readonly MetricsSnapshot[]>;
  /** Undefined or absent: there are no endpoints. */
  readonly notifications?: NotificationService | undefined;
  /** Undefined: nobody measures. */
  readonly metrics: { readonly collection: CollectionMetrics } | undefined;
}

/** What must be there once, however many processes serve: health checks, upload purging, garbage collection, the debug address. */
export interface Duties {
  health(): HealthFailures;
  stop(): void;
}

/** Starts the duties. Throws AddressError where the debug address can't be listened on. */
export async function startDuties(config: Config, context: DutiesContext): Promise<Duties> {
  const { log } = context;
  const checks = createHealthChecks(config.health, config.storage.type, context.driver);
  const monitor = new HealthMonitor(checks, (failures) => {
    for (const [name, failure] of Object.entries(failures)) log.error(`health check ${name} failed: ${failure}`);
    if (Object.keys(failures).length === 0) log.info("health checks pass again");
    context.onHealth(failures);
  });
  const stopDebug = await startDebugAddress(config, { ...context, notifications: context.notifications, monitor });
  const { maintenance } = config.storage;
  const purge: PurgeUploads = (options, signal) => purgeUploads(context.driver, options, signal);
  const stopPurging = maintenance.readonly.enabled
    ? () => undefined
    : startPurging(maintenance.uploadpurging, purge, log);
  const stopCollecting = startCollecting(
    maintenance.gc,
    (observer, signal) => collectAsConfigured(config, { driver: context.driver, log, observer, signal }),
    { log, metrics: context.metrics?.collection },
  );
  monitor.start();
  return {
    health: () => monitor.failures(),
    stop() {
      monitor.stop();
      stopPurging();
      stopCollecting();
      stopDebug();
    },
  };
}
