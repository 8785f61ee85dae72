import { purgeUploads, type StorageDriver } from "@longshore/storage";
import type { Config } from "../config/config.js";
import type { HealthFailures } from "../health/check.js";
import { createHealthChecks } from "../health/checks.js";
import { HealthMonitor } from "../health/monitor.js";
import { exposeMetrics } from "../metrics/expose.js";
import type { MetricsSnapshot } from "../metrics/metrics.js";
import type { Log } from "../observability/log.js";
import { parseListenAddress } from "./address.js";
import { bind } from "./bind.js";
import { createDebugServer } from "./debug.js";
import { startPurging, type PurgeUploads } from "./purge.js";

/** What the duties need of the rest. */
export interface DutiesContext {
  readonly driver: StorageDriver;
  readonly log: Log;
  /** Told whenever what fails changes. */
  readonly onHealth: (failures: HealthFailures) => void;
  /** The metrics of every process. */
  readonly snapshots: () => Promise<readonly MetricsSnapshot[]>;
}

/** What must be there once, however many processes serve: health checks, upload purging, the debug address. */
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
  const stopDebug = await startDebug(config, monitor, context);
  const { maintenance } = config.storage;
  const purge: PurgeUploads = (options, signal) => purgeUploads(context.driver, options, signal);
  const stopPurging = maintenance.readonly.enabled
    ? () => undefined
    : startPurging(maintenance.uploadpurging, purge, log);
  monitor.start();
  return {
    health: () => monitor.failures(),
    stop() {
      monitor.stop();
      stopPurging();
      stopDebug();
    },
  };
}

async function startDebug(config: Config, monitor: HealthMonitor, context: DutiesContext): Promise<() => void> {
  const { addr, prometheus } = config.http.debug;
  if (addr === undefined) return () => undefined;
  const server = createDebugServer({
    health: () => monitor.failures(),
    metrics: prometheus.enabled
      ? { path: prometheus.path, expose: async () => exposeMetrics(await context.snapshots()) }
      : undefined,
  });
  if (prometheus.enabled) context.log.info(`providing prometheus metrics on ${prometheus.path}`);
  context.log.info(`debug server listening ${await bind(server, parseListenAddress("tcp", addr))}`);
  return () => {
    server.close();
    server.closeAllConnections();
  };
}
